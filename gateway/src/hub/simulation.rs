//! The rules of session, room feed, resume and acks under a seeded scheduler: no runtime, no clock, no network. One
//! room, two nodes, one bus that can be rewound or replaced by another while it goes on, one store, clients that follow `docs/protocol.md`. Signals of the bus
//! are lost, repeated and reordered; nodes crash, connections break, the api goes away. With every other seed the store
//! is ten times slower than the talk and servers fail in quick succession.
//!
//! `ROOKERY_SIMULATION_SEED=17` runs one seed, `ROOKERY_SIMULATION_SEEDS=20000` more of them.

mod client;
mod node;
mod parts;
mod world;

use world::{Mutation, World};

/// Seeds of one run.
const SEEDS: u64 = 1_000;
/// What happens while things break, in one seed.
const STEPS: usize = 600;
/// Rounds in which everything has to come to rest afterwards.
const ROUNDS_OF_REST: usize = 400;

/// What a client or the store may never see.
type Violation = String;

fn run(seed: u64, mutation: Mutation) -> Result<(), Violation> {
    let mut world = World::new(seed, mutation);
    for _ in 0..STEPS {
        world.step()?;
    }
    world.heal();
    for _ in 0..ROUNDS_OF_REST {
        if world.rests() {
            return world.judge();
        }
        world.round()?;
    }
    Err(format!("it does not come to rest: {}", world.unrest()))
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn whatever_breaks_no_acked_message_is_lost_and_every_hole_is_filled_or_declared() {
    let seeds = match setting("ROOKERY_SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("ROOKERY_SIMULATION_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(violation) = run(seed, Mutation::None) {
            panic!("{violation}\nagain with ROOKERY_SIMULATION_SEED={seed}");
        }
    }
}

#[test]
fn a_node_that_does_not_look_for_holes_is_caught() {
    assert!((0..SEEDS).any(|seed| run(seed, Mutation::NoGapCheck).is_err()));
}

#[test]
fn a_node_that_acks_what_is_only_accepted_is_caught() {
    assert!((0..SEEDS).any(|seed| run(seed, Mutation::AckAccepted).is_err()));
}

/// A server was stopped, replaced, and goes on with what lies in its buffers.
#[test]
fn a_node_that_believes_a_replaced_server_is_caught() {
    assert!((0..SEEDS).any(|seed| run(seed, Mutation::BelieveTheReplaced).is_err()));
}

#[test]
fn a_store_that_takes_in_what_a_replaced_server_numbers_is_caught() {
    assert!((0..SEEDS).any(|seed| run(seed, Mutation::StoreForTheReplaced).is_err()));
}

/// A page that was read in an epoch that has ended since may have events that were never stored. Whoever takes it in after
/// the next reset shows them for ever, and shows them nowhere else.
#[test]
fn a_client_that_takes_in_a_page_from_before_a_reset_is_caught() {
    assert!((0..SEEDS).any(|seed| run(seed, Mutation::TakeOldPages).is_err()));
}

#[test]
fn a_bus_that_says_that_more_survived_than_is_stored_is_caught() {
    assert!((0..SEEDS).any(|seed| run(seed, Mutation::KeepTheLost).is_err()));
}

#[test]
fn a_bus_that_says_that_less_survived_than_is_stored_is_caught() {
    assert!((0..SEEDS).any(|seed| run(seed, Mutation::LoseTheKept).is_err()));
}

#[test]
fn a_seed_always_tells_the_same_story() {
    for seed in 0..20 {
        assert_eq!(run(seed, Mutation::NoGapCheck), run(seed, Mutation::NoGapCheck));
    }
}
