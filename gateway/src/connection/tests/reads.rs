//! Read marks of one connection: gathered, never lost.

use super::*;

impl Setup {
    fn marks(&self) -> Vec<u64> {
        self.authority.marks.lock().iter().map(|to| to.seq.get()).collect()
    }
}

async fn pass(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_mark_is_always_told_also_at_the_end() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    let read = |seq: u64| format!(r#"{{"type":"read","seq":{seq}}}"#);
    client.say(&read(1)).await;
    pass(100).await;
    assert_eq!(setup.marks(), [1], "the first one at once");
    for seq in [2, 3] {
        client.say(&read(seq)).await;
    }
    pass(800).await;
    assert_eq!(setup.marks(), [1]);
    pass(200).await;
    assert_eq!(setup.marks(), [1, 3]);
    client.say(&read(4)).await;
    client.stream.close(None).await.unwrap();
    pass(10).await;
    assert_eq!(setup.marks(), [1, 3, 4]);
}
