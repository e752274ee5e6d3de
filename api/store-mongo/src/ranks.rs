//! Changes of who runs the server. Two that lower different admins read each other's state, so each also writes what it
//! read: one of them collides and looks again.

use futures_util::TryStreamExt as _;
use mongodb::Client;
use mongodb::ClientSession;
use mongodb::Collection;
use mongodb::bson::{Document, Uuid, doc};
use mongodb::error::{Error, TRANSIENT_TRANSACTION_ERROR};
use rookery_protocol::id::UserId;
use rookery_store::StoreError;
use tokio::time::sleep;

use super::documents::UserDocument;
use super::error::is_duplicate;
use super::transaction::{begin, end, pause};
use super::{Mongo, by_id};
use crate::account_documents::GuardDocument;
use crate::erasures::ErasureDocument;
use crate::error::Failed;
use crate::fields::key;
use crate::limits::TRANSACTION_TRIES_MAX;

/// What all changes of rank write.
const ADMINS: &str = "admins";

enum Outcome {
    Done,
    LastAdmin,
    Collided,
}

/// What is to be done.
struct Lowering {
    id: Uuid,
    fields: Document,
    erasure: Option<ErasureDocument>,
}

struct Parts {
    client: Client,
    users: Collection<UserDocument>,
    guards: Collection<GuardDocument>,
    erasures: Collection<ErasureDocument>,
}

impl Mongo {
    /// Sets fields of an account that may run the server no longer then, and begins its erasure if one is given;
    /// [`StoreError::LastAdmin`] if nobody else runs the server.
    pub(super) async fn lower(
        &self,
        id: UserId,
        fields: Document,
        erasure: Option<ErasureDocument>,
    ) -> Result<(), StoreError> {
        let parts = Parts {
            client: self.client.clone(),
            users: self.users.clone(),
            guards: self.guards.clone(),
            erasures: self.erasures.clone(),
        };
        let lowering = Lowering { id: key(id.as_uuid()), fields, erasure };
        self.calls.run(async move { parts.lower(&lowering).await }).await
    }
}

impl Parts {
    async fn lower(&self, lowering: &Lowering) -> Result<(), Failed> {
        let mut session = self.client.start_session().await?;
        for tried in 0..TRANSACTION_TRIES_MAX {
            match self.attempt(&mut session, lowering).await {
                Ok(Outcome::Done) => return Ok(()),
                Ok(Outcome::LastAdmin) => return Err(StoreError::LastAdmin.into()),
                Ok(Outcome::Collided) => sleep(pause(tried)).await,
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => sleep(pause(tried)).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Unavailable("too many changes of rank at once".to_owned()).into())
    }

    async fn attempt(&self, session: &mut ClientSession, lowering: &Lowering) -> Result<Outcome, Error> {
        begin(session).await?;
        let outcome = self.steps(session, lowering).await;
        end(session, matches!(outcome, Ok(Outcome::Done))).await?;
        outcome
    }

    async fn steps(&self, session: &mut ClientSession, lowering: &Lowering) -> Result<Outcome, Error> {
        let Lowering { id, fields, erasure } = lowering;
        let raise = self.guards.update_one(by_id(ADMINS), doc! { "$inc": { "changes": 1_i64 } });
        match raise.upsert(true).session(&mut *session).await {
            Ok(_) => {}
            // A rival made the document, or its update is seen half done.
            Err(error) if is_duplicate(&error) => return Ok(Outcome::Collided),
            Err(error) => return Err(error),
        }
        let admins = self.users.find(doc! { "role": "admin", "disabled": false }).limit(2);
        let mut found = admins.session(&mut *session).await?;
        let admins: Vec<UserDocument> = found.stream(&mut *session).try_collect().await?;
        if admins.len() == 1 && admins[0].is(*id) {
            return Ok(Outcome::LastAdmin);
        }
        self.users
            .update_one(by_id(*id), doc! { "$set": fields.clone() })
            .session(&mut *session)
            .await?;
        if let Some(erasure) = erasure {
            let (filter, fields) = Mongo::erasure_upsert(erasure)?;
            self.erasures.update_one(filter, fields).upsert(true).session(session).await?;
        }
        Ok(Outcome::Done)
    }
}
