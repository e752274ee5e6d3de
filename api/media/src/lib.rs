//! What is kept outside the store, and pictures.
//!
//! [`objects`] keeps bytes under names, in a folder or in S3; [`picture`] makes safe pictures of what people upload; [`spool`] has
//! what is being uploaded. None of them knows what it is for: avatars and files of rooms use them.

mod http;
pub mod limits;
pub mod objects;
pub mod options;
pub mod picture;
pub mod spool;
