//! Quorum, sorry server and inhibited servers: who is in the table, and who is told.

use std::net::Ipv4Addr;

use super::world::*;
use crate::controller::services::*;
use crate::model::{self, Forwarding, VirtualServer};

/// A pair with a sorry server on host 9, and scripts that say what they are told.
fn pair_with_sorry_server(change: impl Fn(&mut VirtualServer)) -> Config {
    let mut config = pair();
    let script = |word: &str| Some(model::Command { argv: vec![word.to_owned()], user: None });
    let server = &mut config.virtual_servers[0];
    server.sorry_server = Some(model::SorryServer {
        address: Ipv4Addr::new(172, 17, 0, 9).into(),
        port: 80,
        forwarding: Forwarding::Dr,
        inhibit: false,
    });
    (server.quorum_up, server.quorum_down) = (script("gained"), script("lost"));
    server.real_servers[0].notify_down = script("down");
    server.real_servers[0].notify_up = script("up");
    change(server);
    config
}

#[test]
fn without_a_quorum_the_sorry_server_answers_alone() {
    let mut world = World::started(pair_with_sorry_server(|server| (server.quorum, server.hysteresis) = (2, 1)));
    // Weights 1 and 2: three are needed to gain the quorum, one is enough to keep it.
    assert_eq!(world.pool(web()), [(4, 1), (5, 2)]);
    world.alive = vec![4];
    world.pass(2 * SECOND);
    assert_eq!(world.pool(web()), [(4, 1)]);
    world.alive = vec![];
    world.pass(10 * SECOND);
    assert_eq!(world.pool(web()), [(9, 1)]);
    world.alive = vec![5];
    world.pass(10 * SECOND);
    assert_eq!(world.pool(web()), [(9, 1)], "weight 2 is not enough");
    world.alive = vec![4, 5];
    world.take_reports();
    world.pass(10 * SECOND);
    assert_eq!(world.pool(web()), [(4, 1), (5, 2)]);
    assert_eq!(
        world.take_reports(),
        [
            "TCP connection to [172.17.0.4]:tcp:80 success.",
            "Adding service [172.17.0.4]:tcp:80 to VS [172.17.0.10]:tcp:80",
            "Gained quorum 2+1=3 <= 3 for VS [172.17.0.10]:tcp:80",
            "Removing sorry server [172.17.0.9]:tcp:80 from VS [172.17.0.10]:tcp:80",
            "Adding alive servers to the pool for VS [172.17.0.10]:tcp:80",
        ]
    );
    let lines = ["VS [172.17.0.10]:tcp:80 UP", "VS [172.17.0.10]:tcp:80 DOWN", "VS [172.17.0.10]:tcp:80 UP"];
    let about_quorum = |line: &&String| line.starts_with("VS ");
    assert_eq!(world.told.iter().filter(about_quorum).collect::<Vec<_>>(), lines);
    let scripts: Vec<_> = world.told.iter().filter(|line| !line.contains(' ')).collect();
    assert_eq!(scripts, ["gained", "down", "lost", "up", "gained"]);
}

#[test]
fn inhibited_servers_stay_with_weight_zero() {
    let config = pair_with_sorry_server(|server| {
        server.real_servers.iter_mut().for_each(|real| real.inhibit_on_failure = true);
        server.sorry_server.as_mut().expect("one").inhibit = true;
    });
    let mut world = World::started(config);
    assert_eq!(world.pool(web()), [(4, 1), (5, 2), (9, 0)]);
    world.alive = vec![4];
    world.pass(10 * SECOND);
    assert_eq!(world.pool(web()), [(4, 1), (5, 0), (9, 0)]);
    world.alive = vec![];
    world.pass(10 * SECOND);
    assert_eq!(world.pool(web()), [(4, 0), (5, 0), (9, 1)]);
    assert!(
        world
            .take_reports()
            .contains(&"Enabling sorry server [172.17.0.9]:tcp:80 to VS [172.17.0.10]:tcp:80".to_owned())
    );
    world.feed(ServicesEvent::Stop);
    assert!(world.kernel.as_ref().expect("IPVS").services.is_empty());
    assert!(
        world
            .take_reports()
            .contains(&"Shutting down (inhibited) service [172.17.0.4]:tcp:80 from VS [172.17.0.10]:tcp:80".to_owned())
    );
}

#[test]
fn only_with_omega_the_end_is_told() {
    for omega in [false, true] {
        let mut world = World::started(pair_with_sorry_server(|server| server.omega = omega));
        world.told.clear();
        world.feed(ServicesEvent::Stop);
        let expected: &[&str] = &[
            "down",
            "RS [172.17.0.4]:tcp:80 [172.17.0.10]:tcp:80 DOWN",
            "RS [172.17.0.5]:tcp:80 [172.17.0.10]:tcp:80 DOWN",
            "lost",
            "VS [172.17.0.10]:tcp:80 DOWN",
        ];
        assert_eq!(world.told, if omega { expected } else { &[] });
    }
}

#[test]
fn a_reload_without_the_sorry_server_lets_what_is_up_serve_again() {
    let with = |change: fn(&mut VirtualServer)| pair_with_sorry_server(change);
    let mut world = World::started(with(|server| server.quorum = 3));
    world.alive = vec![4];
    world.pass(10 * SECOND);
    assert_eq!(world.pool(web()), [(9, 1)]);
    world.configure(with(|server| {
        server.quorum = 3;
        server.sorry_server = None;
    }));
    assert_eq!(world.pool(web()), [(4, 1)]);
    world.configure(with(|server| server.quorum = 3));
    assert_eq!(world.pool(web()), [(9, 1)]);
}
