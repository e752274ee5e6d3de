//! Running statements and reading rows.
//!
//! Every statement of the aggregates is declared through [`statements!`], so that one test can ask SQLite for the
//! plan of each.

use rookery_store::StoreError;
use rusqlite::{Connection, Params, Row};

use crate::error::Failed;

/// Names statements and lists them all.
macro_rules! statements {
    ($($name:ident = $text:literal;)+) => {
        $(const $name: &str = $text;)+
        /// All statements of this file.
        #[cfg(test)]
        pub(super) const ALL: &[&str] = &[$($name),+];
    };
}
pub(super) use statements;

/// Changes rows and says how many.
pub(super) fn change(db: &Connection, text: &str, params: impl Params) -> Result<usize, Failed> {
    Ok(db.prepare_cached(text)?.execute(params)?)
}

/// The first row, if there is one.
pub(super) fn one<T>(
    db: &Connection,
    text: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Failed>,
) -> Result<Option<T>, Failed> {
    let mut statement = db.prepare_cached(text)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// All rows; the statement has a limit.
pub(super) fn many<T>(
    db: &Connection,
    text: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Failed>,
) -> Result<Vec<T>, Failed> {
    let mut statement = db.prepare_cached(text)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A text that must satisfy a domain type.
pub(super) fn parsed<T: TryFrom<String>>(row: &Row<'_>, column: &str) -> Result<T, Failed> {
    let text: String = row.get(column)?;
    Ok(T::try_from(text).map_err(|_| StoreError::Inconsistent(format!("{column} breaks its rules")))?)
}

/// The same where there may be none.
pub(super) fn parsed_optional<T: TryFrom<String>>(row: &Row<'_>, column: &str) -> Result<Option<T>, Failed> {
    let text: Option<String> = row.get(column)?;
    let value = text.map(T::try_from).transpose();
    Ok(value.map_err(|_| StoreError::Inconsistent(format!("{column} breaks its rules")))?)
}
