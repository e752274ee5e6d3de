//! One suite over all kinds of what keeps it.

/// The tests of a contract, each on every kind that the fixture knows.
macro_rules! contract {
    ($fixture:ident: $($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(super::$fixture::memory()).await; })+
        }
        mod redis {
            $(#[tokio::test] async fn $name() { super::$name(super::$fixture::redis().await).await; })+
        }
        mod sentinel {
            $(#[tokio::test] async fn $name() { super::$name(super::$fixture::sentinel().await).await; })+
        }
        mod cluster {
            $(#[tokio::test] async fn $name() { super::$name(super::$fixture::cluster().await).await; })+
        }
    };
}
