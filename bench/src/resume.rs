//! A node dies under load: when are its clients caught up on another, and what have they lost?

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::clients::{ClientOptions, number_of};
use crate::finding::{Findings, Target};
use crate::resident::{Account, Residents};
use crate::{Failure, tell};

/// Time in which the servers finish what connecting left behind.
const REST: Duration = Duration::from_secs(3);
/// Time in which the last messages come in.
const SETTLE: Duration = Duration::from_secs(2);

/// The subcommand.
#[derive(Args)]
pub(crate) struct Resume {
    /// Of the options: those that stay, all at the second node; the others are at the first.
    #[arg(long, default_value_t = 500)]
    staying: usize,
    /// The watched process that is the first node.
    #[arg(long, default_value = "gateway-1")]
    kill: String,
    /// The watched process that is the second one.
    #[arg(long, default_value = "gateway-2")]
    survivor: String,
    /// Messages in a second, said by those who stay, before and after.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Seconds that the clients may need.
    #[arg(long, default_value_t = 5.0)]
    target_s: f64,
    #[command(flatten)]
    options: ClientOptions,
}

impl Resume {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let [dying, staying] = self.options.nodes.as_slice() else {
            return Err("two nodes are wanted".into());
        };
        let moving = self.options.connections.saturating_sub(self.staying);
        self.options.fits_with(0)?;
        let mut residents = Residents::new(&self.options, self.options.credentials()?);
        for user in 0..self.options.connections {
            let nodes = if user < moving { vec![*dying, *staying] } else { vec![*staying] };
            residents.visit(user, nodes);
            self.options.pace().await;
        }
        residents.subscribed(self.options.connections).await?;
        sleep(REST).await;
        let residents = Arc::new(residents);
        let talk = tokio::spawn(talk(Arc::clone(&residents), moving..self.options.connections, self.rate));
        sleep(REST).await;
        let before = self.options.usage();
        let start = Instant::now();
        self.options.kill(&self.kill)?;
        residents.ended(moving).await?;
        let noticed = start.elapsed();
        residents.subscribed(self.options.connections).await?;
        let took = start.elapsed();
        let used = self.options.since(&before);
        sleep(REST).await;
        talk.abort();
        sleep(SETTLE).await;
        let used = self.options.watched.iter().zip(used).find(|(watched, _)| watched.name == self.survivor);
        tell(&format!("{moving} ends were noticed after {noticed:?}, all were caught up after {took:?}"));
        self.tell(moving, took, used.map_or(0.0, |(_, cpu_s)| cpu_s), residents.account())
    }

    fn tell(&self, moving: usize, took: Duration, cpu_s: f64, account: Account) -> Result<(), Failure> {
        let findings = Findings("Resume after a gateway is killed");
        let rooms = self.options.rooms_per_connection;
        let title = format!("{moving} clients in {rooms} rooms each, all caught up on the other gateway");
        findings.judge(&title, took.as_secs_f64(), "s", Target::AtMost(self.target_s))?;
        findings.judge("numbers lost", number_of(account.lost), "", Target::AtMost(0.0))?;
        findings.judge("numbers twice", number_of(account.repeats), "", Target::AtMost(0.0))?;
        findings.judge(
            "numbers left out with a gap or a reset",
            number_of(account.skipped),
            "",
            Target::AtMost(0.0),
        )?;
        let each = cpu_s * 1e6 / number_of(moving.max(1) as u64);
        findings.tell("CPU of the surviving gateway for each client", each, "µs")?;
        findings.tell("messages heard by all clients", number_of(account.received), "")?;
        if account.lost + account.repeats > 0 {
            return Err(format!("messages were lost or came twice: {account:?}").into());
        }
        Ok(())
    }
}

async fn talk(residents: Arc<Residents>, users: std::ops::Range<usize>, rate: u32) {
    let mut ticks = interval(Duration::from_secs(1) / rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let run = uuid::Uuid::new_v4().simple().to_string();
    for (number, user) in users.cycle().enumerate() {
        ticks.tick().await;
        residents.say(user, &format!("{run}-{number}")).await;
    }
}
