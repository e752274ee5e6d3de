//! The database alone: documents as large as ours, under the same indexes and the same guarantees, by nothing but the
//! driver. What ingest takes longer than this is ours.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use mongodb::options::{Acknowledgment, CollectionOptions, IndexOptions, WriteConcern};
use mongodb::{Client, Collection, IndexModel};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::clients::number_of;
use crate::quantiles::{Quantiles, Times};
use crate::{Failure, report};

/// The subcommand.
#[derive(Args)]
pub(crate) struct RawStore {
    /// Address, as `mongodb://…`.
    #[arg(long)]
    mongo: String,
    /// Database; a collection of its own is made in it and dropped afterwards.
    #[arg(long, default_value = "rookery_bench")]
    database: String,
    /// Documents of one insert.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Inserts under way at once.
    #[arg(long, default_value_t = 1)]
    writers: usize,
    /// Seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Bytes of a text.
    #[arg(long, default_value_t = 120)]
    size: usize,
}

/// One result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoreResult {
    /// Documents of one insert.
    pub(crate) store_batch: usize,
    /// Inserts under way at once.
    pub(crate) writers: usize,
    /// Documents in a second.
    pub(crate) documents_per_s: f64,
    /// One insert.
    pub(crate) insert_ms: Quantiles,
}

impl RawStore {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = Client::with_uri_str(&self.mongo).await?;
        let name = format!("raw_{}", Uuid::new());
        let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
        let options = CollectionOptions::builder().write_concern(durable).build();
        let messages: Collection<Document> = client.database(&self.database).collection_with_options(&name, options);
        messages
            .create_indexes([place(), index(&["room_id", "seq"]), index(&["edit_of"])])
            .await?;
        let result = self.insert(&messages).await;
        messages.drop().await?;
        report(&result?)
    }

    async fn insert(&self, messages: &Collection<Document>) -> Result<StoreResult, Failure> {
        let times = Arc::new(Mutex::new(Times::default()));
        let (start, length) = (Instant::now(), Duration::from_secs(self.seconds));
        let mut writers = JoinSet::new();
        for _ in 0..self.writers {
            let (messages, times) = (messages.clone(), Arc::clone(&times));
            let (batch, size) = (self.batch, self.size);
            writers.spawn(async move {
                let (room, mut seq) = (Uuid::new(), 0_i64);
                while start.elapsed() < length {
                    let documents = (0..batch).map(|_| {
                        seq += 1;
                        document(room, seq, size)
                    });
                    let began = Instant::now();
                    messages.insert_many(documents.collect::<Vec<_>>()).ordered(false).await?;
                    times.lock().add(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
                Ok::<i64, mongodb::error::Error>(seq)
            });
        }
        let mut documents = 0;
        while let Some(written) = writers.join_next().await {
            documents += u64::try_from(written??).unwrap_or_default();
        }
        let insert_ms = times.lock().quantiles();
        let documents_per_s = number_of(documents) / start.elapsed().as_secs_f64();
        Ok(StoreResult { store_batch: self.batch, writers: self.writers, documents_per_s, insert_ms })
    }
}

fn document(room: Uuid, seq: i64, size: usize) -> Document {
    doc! {
        "_id": Uuid::new(),
        "room_id": room,
        "epoch": 1_i64,
        "seq": seq,
        "timestamp": DateTime::now(),
        "v": 1,
        "kind": "message",
        "user_id": Uuid::new(),
        "username": "load-0123abcd-1000",
        "content": "x".repeat(size),
        "client_id": format!("bench-{}-{seq}", Uuid::new()),
    }
}

fn index(fields: &[&str]) -> IndexModel {
    let keys: Document = fields.iter().map(|field| ((*field).to_owned(), 1.into())).collect();
    IndexModel::builder().keys(keys).build()
}

fn place() -> IndexModel {
    let mut place = index(&["room_id", "epoch", "seq"]);
    place.options = Some(IndexOptions::builder().unique(true).build());
    place
}
