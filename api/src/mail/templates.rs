//! The texts of mails: each a subject, a plain text and a page, with `{name}` where a value stands.

/// A mail without its values.
pub(super) struct Template {
    subject: &'static str,
    text: &'static str,
    html: &'static str,
}

/// A mail with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The subject: one line.
    pub(super) subject: String,
    /// The plain text.
    pub(super) text: String,
    /// The same as a page.
    pub(super) html: String,
}

macro_rules! templates {
    ($($(#[$doc:meta])* $name:ident = $subject:literal, $file:literal;)+) => {$(
        $(#[$doc])*
        pub(super) const $name: Template = Template {
            subject: $subject,
            text: include_str!(concat!("templates/", $file, ".txt")),
            html: include_str!(concat!("templates/", $file, ".html")),
        };
    )+};
}

templates! {
    /// A code of a registration.
    CODE = "Your code is {code}", "code";
    /// The address has an account.
    ACCOUNT_EXISTS = "You already have an account", "account_exists";
    /// Another password.
    RECOVERY = "Choose another password", "recovery";
    /// The address of an account.
    EMAIL_CONFIRM = "Confirm your address", "email_confirm";
    /// The address is another account's.
    EMAIL_IN_USE = "This address has an account", "email_in_use";
    /// The account has another address.
    EMAIL_UNDO = "Your address was changed", "email_undo";
    /// The account has another password.
    PASSWORD_CHANGED = "Your password was changed", "password_changed";
}

impl Template {
    /// Puts the values in. None of them can become markup or a second line of the subject.
    pub(super) fn write(&self, values: &[(&str, &str)]) -> Written {
        let fill = |text: &str, form: fn(&str) -> String| {
            values
                .iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &form(value)))
        };
        Written {
            subject: fill(self.subject, one_line),
            text: fill(self.text, one_line),
            html: fill(self.html, |value| escaped(&one_line(value))),
        }
    }
}

fn one_line(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).collect()
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_only_values() {
        let written = CODE.write(&[("code", "1<b>\r\nBcc: x"), ("username", "a&b"), ("minutes", "10")]);
        assert_eq!(written.subject, "Your code is 1<b>Bcc: x");
        assert!(written.html.contains("1&lt;b&gt;Bcc: x") && written.html.contains("a&amp;b"), "{}", written.html);
    }

    #[test]
    fn no_value_is_missing() {
        let values = [("code", "1"), ("username", "ada"), ("minutes", "10"), ("link", "https://x"), ("days", "7")];
        for template in [CODE, ACCOUNT_EXISTS, RECOVERY, EMAIL_CONFIRM, EMAIL_IN_USE, EMAIL_UNDO, PASSWORD_CHANGED] {
            let Written { subject, text, html } = template.write(&values);
            assert!(!(subject + &text + &html).contains('{'));
        }
    }
}
