//! Tests of all sessions of a configuration.

use super::*;
use crate::bfd::session::tests::instance;
use crate::wire::bfd::Diagnostic;
use std::net::Ipv4Addr;
use std::time::Duration;

const US: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn at(millis: u64) -> Instant {
    Instant::from_start(Duration::from_millis(millis))
}

fn sessions(instances: Vec<BfdInstance>) -> Sessions {
    let mut sessions = Sessions::new(1);
    sessions.handle(at(0), Event::Configure(instances));
    sessions
}

fn heard(state: State, your_discriminator: u32) -> [u8; LEN] {
    let control = Control {
        diagnostic: Diagnostic::NONE,
        state,
        poll: false,
        finally: false,
        control_plane_independent: false,
        demand: false,
        detect_mult: 3,
        my_discriminator: 9,
        your_discriminator,
        desired_min_tx: 10_000,
        required_min_rx: 10_000,
        required_min_echo_rx: 0,
    };
    control.emit()
}

fn datagram(bytes: &[u8]) -> Event<'_> {
    Event::Datagram { from: NEIGHBOUR, to: Some(US), ttl: Some(255), multihop: false, bytes }
}

#[test]
fn a_first_packet_finds_its_session_by_address_and_later_ones_by_discriminator() {
    let other = BfdInstance { name: "other".into(), neighbour: Ipv4Addr::new(192, 0, 2, 3).into(), ..instance() };
    let mut sessions = sessions(vec![other, instance()]);
    sessions.handle(at(1), datagram(&heard(State::Down, 0)));
    let state = |sessions: &Sessions, index: usize| sessions.status()[index].session.state();
    assert_eq!((state(&sessions, 0), state(&sessions, 1)), (State::Down, State::Init));
    let discriminator = sessions.status()[1].session.discriminator();
    let elsewhere = Event::Datagram {
        from: Ipv4Addr::new(198, 51, 100, 1).into(), // RFC 5880 §6.3: the discriminator alone decides
        to: None,
        ttl: Some(255),
        multihop: false,
        bytes: &heard(State::Init, discriminator),
    };
    sessions.handle(at(2), elsewhere);
    assert_eq!(state(&sessions, 1), State::Up);
}

#[test]
fn what_belongs_to_nobody_is_counted_and_changes_nothing() {
    let mut sessions = sessions(vec![instance()]);
    let before = sessions.status()[0].session.clone();
    let wrong = before.discriminator().wrapping_add(1);
    assert!(sessions.handle(at(1), datagram(&heard(State::Down, wrong))).is_empty());
    let stranger = Event::Datagram {
        from: Ipv4Addr::new(192, 0, 2, 77).into(),
        to: Some(US),
        ttl: Some(255),
        multihop: false,
        bytes: &heard(State::Down, 0),
    };
    assert!(sessions.handle(at(1), stranger).is_empty());
    let on_the_other_port = Event::Datagram {
        from: NEIGHBOUR,
        to: Some(US),
        ttl: Some(255),
        multihop: true,
        bytes: &heard(State::Down, 0),
    };
    assert!(sessions.handle(at(1), on_the_other_port).is_empty());
    assert!(sessions.handle(at(1), datagram(&[0; 24])).is_empty());
    let mut authenticated = heard(State::Down, 0);
    authenticated[1] |= 4;
    assert!(sessions.handle(at(1), datagram(&authenticated)).is_empty());
    let expected = Discarded { malformed: 1, authenticated: 1, unknown_session: 3 };
    assert_eq!(sessions.discarded(), expected);
    assert_eq!(sessions.status()[0].session.state(), before.state());
}

#[test]
fn a_packet_from_too_far_away_is_counted_and_not_believed() {
    for (max_hops, ttl, believed) in
        [(Some(0), 254, false), (Some(1), 254, true), (Some(1), 253, false), (None, 1, true)]
    {
        let mut sessions = sessions(vec![BfdInstance { max_hops, ..instance() }]);
        let bytes = heard(State::Down, 0);
        let event = Event::Datagram { from: NEIGHBOUR, to: Some(US), ttl: Some(ttl), multihop: false, bytes: &bytes };
        sessions.handle(at(1), event);
        let status = &sessions.status()[0];
        assert_eq!(status.session.state() == State::Init, believed, "{max_hops:?} {ttl}");
        assert_eq!(status.counters.ttl, u64::from(!believed));
    }
}

#[test]
fn a_reload_keeps_what_goes_the_same_way_and_opens_and_closes_the_rest() {
    let second = BfdInstance { name: "second".into(), neighbour: Ipv4Addr::new(192, 0, 2, 3).into(), ..instance() };
    let mut sessions = sessions(vec![instance(), second.clone()]);
    sessions.handle(at(1), datagram(&heard(State::Init, 0)));
    sessions.handle(at(1), datagram(&heard(State::Down, 0)));
    let discriminator = sessions.status()[0].session.discriminator();
    let moved = BfdInstance { neighbour: Ipv4Addr::new(192, 0, 2, 4).into(), ..second };
    let third = BfdInstance { name: "third".into(), neighbour: Ipv4Addr::new(192, 0, 2, 5).into(), ..instance() };
    let actions = sessions.handle(at(2), Event::Configure(vec![third, moved, instance()]));
    assert_eq!(actions[0], Action::Close { name: "second".into() });
    let opened: Vec<&str> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Open(instance) => Some(instance.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(opened, ["third", "second"]);
    let kept = &sessions.status()[2].session;
    assert_eq!((kept.state(), kept.discriminator()), (State::Init, discriminator));
    // And it is found under its new position.
    sessions.handle(at(3), datagram(&heard(State::Init, discriminator)));
    assert_eq!(sessions.status()[2].session.state(), State::Up);
    let actions = sessions.handle(at(4), Event::Configure(Vec::new()));
    assert_eq!(actions.len(), 3, "{actions:?}");
    assert_eq!(sessions.next_deadline(), None);
}

#[test]
fn a_session_without_a_socket_waits_until_it_has_one() {
    let mut sessions = sessions(vec![instance()]);
    sessions.handle(at(1), Event::OpenFailed { name: "peer".into() });
    assert_eq!(sessions.next_deadline(), None);
    sessions.handle(at(2), datagram(&heard(State::Down, 0)));
    assert_eq!(sessions.status()[0].session.state(), State::AdminDown);
    let actions = sessions.handle(at(3), Event::Opened { name: "peer".into() });
    assert!(actions.iter().any(|action| matches!(action, Action::Send { index: 0, .. })));
}
