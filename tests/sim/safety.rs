//! Safety: never two owners for longer than an advert takes, once the wire is whole. Liveness: always one in the end.

use std::time::Duration;

use alived::model::VrrpInstance;
use alived::time::Instant;
use alived::vrrp::StateName;

use super::world::{Random, World, group, instance, owners, state};

/// Long enough for any backup to notice silence and for any two masters to hear each other.
const SETTLE: Duration = Duration::from_secs(10);

fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("ALIVED_SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("ALIVED_SIM_SEED is a number")],
        Err(_) => (1..=count).collect(),
    }
}

#[track_caller]
fn check(world: &World, seed: u64, holds: bool, what: &str) {
    assert!(
        holds,
        "{what}\nreproduce with ALIVED_SIM_SEED={seed}\n{}\nowners: {:?}",
        world.story.join("\n"),
        owners(world)
    );
}

/// The one that must win among those that run: highest priority, then highest address.
fn best(world: &World, configs: &[VrrpInstance]) -> Option<usize> {
    (0..world.len()).filter(|n| world.can_serve(*n)).max_by_key(|n| (configs[*n].priority, *n))
}

#[test]
fn a_quiet_group_elects_the_highest_priority_and_keeps_it() {
    for seed in seeds(50) {
        let configs = vec![instance(100, true), instance(150, true), instance(90, true)];
        let mut world = group(seed, configs);
        for node in 0..world.len() {
            let wait = Duration::from_millis(world.random.below(5000));
            world.run_for(wait);
            world.start(node);
        }
        world.run_for(SETTLE);
        check(&world, seed, owners(&world) == [1], "the highest priority owns the address");
        let start = world.now;
        let mut seen = Vec::new();
        world.run_until(start + Duration::from_secs(60), |world| seen.push(owners(world)));
        check(&world, seed, seen.iter().all(|o| *o == [1]), "and nobody disturbs it");
    }
}

#[test]
fn equal_priorities_end_with_one_owner() {
    for seed in seeds(100) {
        let mut world = group(seed, vec![instance(100, true), instance(100, true), instance(100, true)]);
        for node in 0..world.len() {
            world.start(node); // all at once: their timers expire together
        }
        world.run_for(SETTLE);
        check(&world, seed, owners(&world).len() == 1, "exactly one owner");
    }
}

#[test]
fn a_crashed_master_is_replaced_after_the_down_interval_and_a_leaving_one_after_the_skew() {
    for seed in seeds(50) {
        for (clean, limit) in [(false, 3_610), (true, 610)] {
            let mut world = group(seed, vec![instance(150, true), instance(100, true)]);
            world.start(0);
            world.start(1);
            world.run_for(SETTLE);
            check(&world, seed, owners(&world) == [0], "the master is up");
            let wait = Duration::from_millis(world.random.below(1000));
            world.run_for(wait);
            if clean {
                world.stop(0)
            } else {
                world.crash(0)
            }
            let fault = world.now;
            let mut taken: Option<Instant> = None;
            world.run_until(fault + SETTLE, |world| {
                if taken.is_none() && owners(world) == [1] {
                    taken = Some(world.now);
                }
            });
            let gap = taken.map(|at| at - fault);
            let in_time = gap.is_some_and(|gap| gap <= Duration::from_millis(limit));
            check(&world, seed, in_time, &format!("taken over within {limit} ms, not {gap:?}"));
        }
    }
}

#[test]
fn a_nopreempt_backup_leaves_a_worse_master_in_place() {
    for seed in seeds(50) {
        let mut world = group(seed, vec![instance(150, false), instance(100, false)]);
        world.start(1);
        world.run_for(SETTLE);
        world.start(0);
        world.run_for(SETTLE);
        check(&world, seed, owners(&world) == [1], "the worse master stays");
        world.crash(1);
        world.run_for(SETTLE);
        check(&world, seed, owners(&world) == [0], "until it is silent");
    }
}

/// Random lives: starts, stops, crashes, links, partitions and loss; then the wire is made whole and must come to rest.
#[test]
fn whatever_happened_a_whole_wire_ends_with_one_owner() {
    for seed in seeds(400) {
        let mut dice = Random::new(seed ^ 0xa11_4ed);
        let count = 2 + dice.below(2) as usize;
        let preempt = dice.chance(70);
        let configs: Vec<_> = (0..count).map(|_| instance(90 + dice.below(4) as u8 * 20, preempt)).collect();
        let mut world = group(seed, configs.clone());
        for node in 0..count {
            world.start(node);
        }
        for _ in 0..40 {
            let node = dice.below(count as u64) as usize;
            match dice.below(8) {
                0 if world.is_running(node) => world.stop(node),
                1 if world.is_running(node) => world.crash(node),
                2 => world.set_link(node, false),
                3 => world.set_link(node, true),
                4 => world.set_island(node, dice.below(2) as u8),
                5 => world.wire.loss_percent = dice.below(60),
                6 => world.wire.max_delay = Duration::from_millis(dice.below(300)),
                _ => world.start(node),
            }
            world.run_for(Duration::from_millis(dice.below(4000)));
            let faulty = (0..count).any(|n| state(&world, n) == Some(StateName::Fault) && owners(&world).contains(&n));
            check(&world, seed, !faulty, "nobody in FAULT owns the address");
        }
        world.wire.loss_percent = 0;
        world.wire.max_delay = Duration::from_micros(500);
        for node in 0..count {
            world.set_island(node, 0);
            world.set_link(node, true);
            world.start(node);
        }
        world.run_for(SETTLE);
        check(&world, seed, owners(&world).len() == 1, "exactly one owner");
        if preempt {
            let top = best(&world, &configs).map(|n| configs[n].priority);
            let winner = owners(&world).first().map(|n| configs[*n].priority);
            check(&world, seed, winner == top, "with the highest priority");
        }
        // From here on the address never rests with two, and never with nobody.
        let mut bad = 0;
        world.run_until(world.now + Duration::from_secs(30), |world| bad += usize::from(owners(world).len() != 1));
        check(&world, seed, bad == 0, "and it stays so");
    }
}

/// While a split lasts each side may have an owner; healed, two owners last no longer than one advert interval and the
/// time a packet takes.
#[test]
fn a_healed_partition_has_two_owners_for_one_advert_at_most() {
    for seed in seeds(100) {
        let mut world = group(seed, vec![instance(150, true), instance(100, true), instance(100, true)]);
        for node in 0..world.len() {
            world.start(node);
        }
        world.run_for(SETTLE);
        world.set_island(0, 1);
        let split = Duration::from_millis(4_000 + world.random.below(4_000));
        world.run_for(split);
        check(&world, seed, owners(&world).len() == 2, "each side has an owner");
        for node in 0..world.len() {
            world.set_island(node, 0);
        }
        check(&world, seed, world.is_whole(), "the wire is whole");
        let healed = world.now;
        let mut last_double = healed;
        world.run_until(healed + SETTLE, |world| {
            if owners(world).len() > 1 {
                last_double = world.now;
            }
        });
        let double = last_double - healed;
        check(&world, seed, double <= Duration::from_millis(1_001), &format!("two owners for {double:?}"));
        check(&world, seed, owners(&world) == [0], "the better one keeps the address");
    }
}
