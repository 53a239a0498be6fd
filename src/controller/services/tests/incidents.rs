//! Any sequence of incidents: in the end the table holds what answers.

use crate::ipvs::Pool;
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::world::*;
use crate::controller::services::*;
use crate::model::lvs::Family;
use crate::model::{RealServer, VirtualServer};

/// What happens to a director, all of it while it runs.
#[derive(Debug, Clone)]
enum Incident {
    /// A host begins or ceases to answer.
    Toggle(u8),
    /// Time passes.
    Pass(u64),
    /// One of three configurations is loaded.
    Load(usize),
    /// IPVS goes away with all it holds, or comes back empty.
    ToggleIpvs,
    /// Somebody takes our destinations out.
    Meddle,
    /// From now on changes fail, with this errno (0: without one), or no more.
    Refuse(Option<i32>),
}

fn any_incident() -> impl Strategy<Value = Incident> {
    prop_oneof![
        (4u8..7).prop_map(Incident::Toggle),
        (1u64..8).prop_map(Incident::Pass),
        (0usize..3).prop_map(Incident::Load),
        Just(Incident::ToggleIpvs),
        Just(Incident::Meddle),
        prop_oneof![Just(None), Just(Some(0)), Just(Some(34))].prop_map(Incident::Refuse),
    ]
}

/// Three configurations that share some virtual and real servers.
fn configurations() -> [Config; 3] {
    let checked = |host| real(host, 1, &[checker(1)]);
    [
        pair(),
        config(vec![virtual_server(web(), vec![checked(5), checked(6)]), virtual_server(mark(), vec![checked(4)])]),
        config(vec![virtual_server(mark(), vec![checked(4), real(5, 7, &[])])]),
    ]
}

proptest! {
    /// Whatever happened: once the kernel takes changes again and the file is read again, the table holds exactly the
    /// real servers that answer; and after a stop nothing but what is not ours.
    #[test]
    fn in_the_end_the_table_holds_what_answers(incidents in proptest::collection::vec(any_incident(), 0..30)) {
        let foreign = virtual_server(
            ServerKey::Fwmark { mark: NonZeroU32::MAX, family: Family::Ipv6 },
            vec![real(9, 1, &[])],
        );
        let foreign = table_of(&foreign);
        let mut world = World::new();
        world.kernel = Some(foreign.clone());
        let mut loaded = 0;
        world.configure(configurations()[loaded].clone());
        for incident in incidents {
            match incident {
                Incident::Toggle(host) => match world.alive.iter().position(|alive| *alive == host) {
                    Some(position) => drop(world.alive.remove(position)),
                    None => world.alive.push(host),
                },
                Incident::Pass(seconds) => world.pass(Duration::from_secs(seconds)),
                Incident::Load(number) => {
                    loaded = number;
                    world.configure(configurations()[loaded].clone());
                }
                Incident::ToggleIpvs => {
                    world.kernel = if world.kernel.is_some() { None } else { Some(foreign.clone()) };
                }
                Incident::Meddle => {
                    let ours = world.kernel.iter_mut().flat_map(|table| table.services.iter_mut());
                    for (_, entry) in ours.filter(|(key, _)| !foreign.services.contains_key(*key)) {
                        entry.destinations.clear();
                    }
                }
                Incident::Refuse(errno) => world.refused = errno,
            }
        }
        world.refused = None;
        world.kernel.get_or_insert_with(|| foreign.clone());
        world.pass(Duration::from_secs(60));
        world.configure(configurations()[loaded].clone());
        let checked = |real: &RealServer| !real.checkers.is_empty();
        let answers = |real: &RealServer| match real.address {
            std::net::IpAddr::V4(address) => world.alive.contains(&address.octets()[3]),
            std::net::IpAddr::V6(_) => false,
        };
        let servers = configurations()[loaded].virtual_servers.clone();
        let pool = |server: &VirtualServer| {
            let weight = |real: &RealServer| (!checked(real) || answers(real)).then_some(real.weight);
            Pool { reals: server.real_servers.iter().map(weight).collect(), sorry: None }
        };
        let mut expected = desired(servers.iter().map(|server| (server, pool(server))), |_| true);
        expected.services.extend(foreign.services.clone());
        prop_assert_eq!(world.kernel.as_ref(), Some(&expected));
        world.feed(ServicesEvent::Stop);
        prop_assert!(world.stopped);
        prop_assert_eq!(world.kernel.as_ref(), Some(&foreign));
    }
}
