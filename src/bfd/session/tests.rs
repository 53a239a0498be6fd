//! Tests of one BFD session, and of two that hear each other over a wire.

use super::*;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU8;

const MS: Duration = Duration::from_millis(1);

fn interval(millis: u64) -> BfdInterval {
    BfdInterval::new(millis as u32 * MS).expect("in range")
}

pub(in crate::bfd) fn instance() -> BfdInstance {
    BfdInstance {
        name: "peer".to_owned(),
        neighbour: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
        source: None,
        min_rx: interval(10),
        min_tx: interval(10),
        idle_tx: BfdInterval::IDLE,
        multiplier: NonZeroU8::new(3).expect("not zero"),
        passive: false,
        ttl: NonZeroU8::MAX,
        max_hops: Some(0),
        multihop: false,
        weight: Default::default(),
        for_vrrp: true,
        for_checkers: true,
    }
}

fn at(millis: u64) -> Instant {
    Instant::from_start(millis as u32 * MS)
}

fn from_neighbour(state: State) -> Control {
    Control {
        diagnostic: Diagnostic::NONE,
        state,
        poll: false,
        finally: false,
        control_plane_independent: false,
        demand: false,
        detect_mult: 3,
        my_discriminator: 77,
        your_discriminator: 1,
        desired_min_tx: 20_000,
        required_min_rx: 20_000,
        required_min_echo_rx: 0,
    }
}

/// A session in that state, at 0.
fn session(config: BfdInstance, state: State) -> Session {
    let mut session = Session::new(config, 1, Random::new(1));
    if state == State::AdminDown {
        return session;
    }
    session.handle(at(0), Event::Enable);
    let way: &[State] = match state {
        State::Init => &[State::Down],
        State::Up => &[State::Init],
        State::Down | State::AdminDown => &[],
    };
    for heard in way {
        session.handle(at(0), Event::Received(from_neighbour(*heard)));
    }
    assert_eq!(session.state(), state);
    session
}

fn sent(actions: &[Action]) -> Vec<Control> {
    let control = |action: &Action| match action {
        Action::Send(control) => Some(*control),
        _ => None,
    };
    actions.iter().filter_map(control).collect()
}

#[test]
fn every_state_answers_every_state_as_rfc_5880_section_6_8_6_says() {
    use State::{AdminDown, Down, Init, Up};
    let none = Diagnostic::NONE;
    let told = Diagnostic::NEIGHBOUR_DOWN;
    let table = [
        // (this side, heard) -> (then, why)
        ((AdminDown, AdminDown), (AdminDown, none)),
        ((AdminDown, Down), (AdminDown, none)),
        ((AdminDown, Init), (AdminDown, none)),
        ((AdminDown, Up), (AdminDown, none)),
        ((Down, AdminDown), (Down, none)),
        ((Down, Down), (Init, none)),
        ((Down, Init), (Up, none)),
        ((Down, Up), (Down, none)),
        ((Init, AdminDown), (Down, told)),
        ((Init, Down), (Init, none)),
        ((Init, Init), (Up, none)),
        ((Init, Up), (Up, none)),
        ((Up, AdminDown), (Down, told)),
        ((Up, Down), (Down, told)),
        ((Up, Init), (Up, none)),
        ((Up, Up), (Up, none)),
    ];
    for ((before, heard), expected) in table {
        let mut session = session(instance(), before);
        session.handle(at(1), Event::Received(from_neighbour(heard)));
        assert_eq!((session.state(), session.diagnostic()), expected, "{before} hears {heard}");
    }
}

#[test]
fn silence_for_the_detection_time_takes_it_down_and_the_neighbour_is_told() {
    let mut session = session(instance(), State::Up);
    assert_eq!(session.detection_time(), 60 * MS, "three times the larger of 10 and 20 ms");
    session.handle(at(100), Event::Received(from_neighbour(State::Up)));
    while session.next_deadline().expect("it sends") < at(160) {
        let due = session.next_deadline().expect("it sends");
        session.handle(due, Event::Timer);
        assert_eq!(session.state(), State::Up);
    }
    let actions = session.handle(at(160), Event::Timer);
    assert_eq!((session.state(), session.diagnostic()), (State::Down, Diagnostic::EXPIRED));
    assert!(actions.contains(&Action::Changed { up: false }));
    let expired = Report::Expired { silent: 60 * MS, overdue: Duration::ZERO, from: State::Up };
    assert!(actions.contains(&Action::Report(expired)));
    let told = sent(&actions);
    assert_eq!((told[0].state, told[0].diagnostic, told[0].your_discriminator), (State::Down, Diagnostic::EXPIRED, 0));
    assert_eq!(told[0].desired_min_tx, 1_000_000, "RFC 5880 §6.8.3: not less than a second while not up");
}

#[test]
fn a_poll_is_answered_at_once_whatever_the_timers_say() {
    for state in [State::Down, State::Init, State::Up] {
        let mut session = session(instance(), state);
        let poll = Control { poll: true, ..from_neighbour(State::Down) };
        let answers = sent(&session.handle(at(5), Event::Received(poll)));
        assert!(answers.iter().any(|answer| answer.finally && !answer.poll), "{state}");
    }
}

#[test]
fn faster_packets_after_the_session_is_up_are_polled_for_until_the_neighbour_confirms() {
    let mut session = session(instance(), State::Up);
    assert!(session.is_polling());
    let due = session.next_deadline().expect("it sends");
    assert!(
        sent(&session.handle(due, Event::Timer)).iter().all(|control| control.poll && control.desired_min_tx == 10_000)
    );
    let confirmed = Control { finally: true, ..from_neighbour(State::Up) };
    session.handle(at(30), Event::Received(confirmed));
    assert!(!session.is_polling());
}

#[test]
fn a_longer_sending_interval_and_a_shorter_receiving_one_wait_for_the_confirmation() {
    let mut session = session(instance(), State::Up);
    session.handle(at(1), Event::Received(Control { finally: true, ..from_neighbour(State::Up) }));
    let slower = BfdInstance { min_tx: interval(500), min_rx: interval(500), ..instance() };
    session.handle(at(2), Event::Reconfigured(Box::new(slower)));
    assert_eq!(session.interval(), 20 * MS, "not before the neighbour knows");
    assert_eq!(session.detection_time(), 1500 * MS, "at once");
    session.handle(at(3), Event::Received(Control { finally: true, ..from_neighbour(State::Up) }));
    assert_eq!(session.interval(), 500 * MS);

    let faster = BfdInstance { min_tx: interval(30), min_rx: interval(30), ..instance() };
    session.handle(at(4), Event::Reconfigured(Box::new(faster)));
    assert_eq!(session.interval(), 30 * MS, "at once");
    assert_eq!(session.detection_time(), 1500 * MS, "not before the neighbour knows");
    session.handle(at(5), Event::Received(Control { finally: true, ..from_neighbour(State::Up) }));
    assert_eq!(session.detection_time(), 90 * MS);
}

#[test]
fn packets_come_between_75_and_100_percent_of_the_interval_and_never_above_90_with_a_multiplier_of_one() {
    for (multiplier, most) in [(3, 1.0), (1, 0.9)] {
        let multiplier = NonZeroU8::new(multiplier).expect("not zero");
        let mut session = session(BfdInstance { multiplier, ..instance() }, State::Up);
        let mut last = None;
        let mut gaps = Vec::new();
        while gaps.len() < 2000 {
            let due = session.next_deadline().expect("it sends");
            session.handle(due, Event::Received(from_neighbour(State::Up)));
            if !sent(&session.handle(due, Event::Timer)).is_empty() {
                gaps.extend(last.map(|last| due.since(last)));
                last = Some(due);
            }
        }
        let share = |gap: &Duration| gap.as_secs_f64() / 0.020;
        assert!(gaps.iter().all(|gap| (0.75..=most).contains(&share(gap))), "{multiplier}");
        let mean = gaps.iter().map(share).sum::<f64>() / gaps.len() as f64;
        assert!((0.8..0.95).contains(&mean), "they are spread: {mean}");
    }
}

#[test]
fn a_passive_session_says_nothing_before_the_neighbour_has() {
    let passive = BfdInstance { passive: true, ..instance() };
    let mut session = Session::new(passive, 1, Random::new(1));
    assert!(sent(&session.handle(at(0), Event::Enable)).is_empty());
    assert_eq!(session.next_deadline(), None);
    let answers = sent(&session.handle(at(9), Event::Received(from_neighbour(State::Down))));
    assert_eq!(answers[0].state, State::Init);
}

#[test]
fn demand_mode_of_the_neighbour_stops_the_periodic_packets_while_both_are_up() {
    let mut session = session(instance(), State::Up);
    let demand = Control { demand: true, finally: true, ..from_neighbour(State::Up) };
    session.handle(at(1), Event::Received(demand));
    assert_eq!(session.next_deadline(), Some(at(61)), "only the detection time is left");
    let poll = Control { poll: true, finally: false, ..demand };
    let answers = sent(&session.handle(at(2), Event::Received(poll)));
    assert!(answers.len() == 1 && answers[0].finally);
    session.handle(at(3), Event::Received(Control { demand: false, ..demand }));
    assert!(session.next_deadline() < Some(at(63)), "and they go on when it no longer asks for it");
}

#[test]
fn a_neighbour_that_can_receive_nothing_is_sent_nothing() {
    let mut session = session(instance(), State::Up);
    let deaf = Control { required_min_rx: 0, finally: true, ..from_neighbour(State::Up) };
    session.handle(at(1), Event::Received(deaf));
    assert_eq!(session.next_deadline(), Some(at(61)));
}

#[test]
fn a_neighbour_taken_down_by_its_operator_is_no_failure() {
    let mut session = session(instance(), State::Up);
    let actions = session.handle(at(1), Event::Received(from_neighbour(State::AdminDown)));
    assert_eq!(session.state(), State::Down);
    assert!(!actions.iter().any(|action| matches!(action, Action::Changed { .. })));
}

#[test]
fn a_disabled_session_is_silent_and_deaf_until_it_is_enabled() {
    let mut session = session(instance(), State::Up);
    assert!(session.handle(at(1), Event::Disable).contains(&Action::Changed { up: false }));
    assert_eq!(session.next_deadline(), None);
    assert!(session.handle(at(2), Event::Received(from_neighbour(State::Up))).is_empty());
    assert_eq!(sent(&session.handle(at(3), Event::Enable))[0].state, State::Down);
}

// ---- two sessions and a wire ---------------------------------------------------------------------------------------

/// Two neighbours on a virtual clock; what one sends the other has `delay` later, if the wire lets it.
struct Pair {
    now: Instant,
    sessions: [Session; 2],
    wire: Vec<(Instant, usize, Control)>,
    random: Random,
    /// Of the packets, from each side.
    loss: [f64; 2],
    delay: Duration,
    changes: [Vec<bool>; 2],
}

impl Pair {
    fn new(a: BfdInstance, b: BfdInstance, seed: u64) -> Pair {
        let mut pair = Pair {
            now: Instant::ZERO,
            sessions: [Session::new(a, 1, Random::new(seed)), Session::new(b, 2, Random::new(seed ^ 5))],
            wire: Vec::new(),
            random: Random::new(seed ^ 9),
            loss: [0.0; 2],
            delay: MS,
            changes: [Vec::new(), Vec::new()],
        };
        for side in 0..2 {
            pair.feed(side, Event::Enable);
        }
        pair
    }

    fn feed(&mut self, side: usize, event: Event) {
        for action in self.sessions[side].handle(self.now, event) {
            match action {
                Action::Send(control) => {
                    if self.random.fraction() >= self.loss[side] {
                        self.wire.push((self.now + self.delay, 1 - side, control));
                    }
                }
                Action::Changed { up } => self.changes[side].push(up),
                Action::Report(_) => {}
            }
        }
    }

    /// Plays `duration`; the number of events shows that nobody babbles.
    fn play(&mut self, duration: Duration) -> usize {
        let end = self.now + duration;
        let mut events = 0;
        loop {
            let deadlines = self.sessions.iter().filter_map(Session::next_deadline);
            let next = deadlines.chain(self.wire.iter().map(|(due, ..)| *due)).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = next.max(self.now);
            events += 1;
            if let Some(place) = self.wire.iter().position(|(due, ..)| *due <= self.now) {
                let (_, side, control) = self.wire.remove(place);
                // The other side finds its session by what the packet calls it.
                assert!(control.your_discriminator == 0 || control.your_discriminator == side as u32 + 1);
                self.feed(side, Event::Received(control));
                continue;
            }
            for side in 0..2 {
                if self.sessions[side].next_deadline().is_some_and(|due| due <= self.now) {
                    self.feed(side, Event::Timer);
                }
            }
        }
        self.now = end;
        events
    }

    fn states(&self) -> [State; 2] {
        [self.sessions[0].state(), self.sessions[1].state()]
    }
}

#[test]
fn two_neighbours_come_up_within_a_round_trip_and_go_down_within_the_detection_time() {
    for seed in 0..200 {
        let mut pair = Pair::new(instance(), instance(), seed);
        pair.play(10 * MS);
        assert_eq!(pair.states(), [State::Up; 2], "seed {seed}");
        pair.play(Duration::from_secs(1));
        assert!(!pair.sessions[0].is_polling() && !pair.sessions[1].is_polling(), "seed {seed}");
        assert_eq!(pair.sessions[0].interval(), 10 * MS);
        pair.loss = [1.0, 1.0];
        pair.play(40 * MS); // 3 x 10 ms, a packet's age, and what was on the wire
        assert_eq!(pair.states(), [State::Down; 2], "seed {seed}");
        pair.loss = [0.0, 0.0];
        pair.play(Duration::from_secs(2));
        assert_eq!(pair.states(), [State::Up; 2], "seed {seed}");
        assert_eq!(pair.changes[0], [false, true, false, true], "seed {seed}");
    }
}

#[test]
fn a_cut_in_one_direction_takes_both_down_and_a_lossy_wire_does_not_keep_them_apart() {
    for seed in 0..200 {
        let mut pair = Pair::new(instance(), instance(), seed);
        pair.play(Duration::from_secs(1));
        pair.loss = [1.0, 0.0];
        pair.play(45 * MS);
        assert_eq!(pair.states()[1], State::Down, "seed {seed}: it hears nothing");
        assert_ne!(pair.states()[0], State::Up, "seed {seed}: it was told");
        pair.loss = [0.3, 0.3];
        pair.play(Duration::from_secs(60));
        assert!(pair.changes.iter().all(|changes| changes.iter().filter(|up| **up).count() >= 2), "seed {seed}");
    }
}

#[test]
fn nobody_babbles() {
    let mut pair = Pair::new(instance(), instance(), 3);
    pair.play(Duration::from_secs(1));
    let events = pair.play(Duration::from_secs(10));
    // 2 x 1000 to 1334 packets sent and as many received.
    assert!((4000..5600).contains(&events), "{events}");
}

#[test]
fn two_passive_neighbours_stay_silent() {
    let passive = BfdInstance { passive: true, ..instance() };
    let mut pair = Pair::new(passive.clone(), passive.clone(), 1);
    assert_eq!(pair.play(Duration::from_secs(10)), 0);
    let mut pair = Pair::new(passive, instance(), 1);
    pair.play(Duration::from_secs(3));
    assert_eq!(pair.states(), [State::Up; 2]);
}

#[test]
fn a_reload_to_other_intervals_keeps_the_session_up_on_both_sides() {
    for seed in 0..100 {
        let mut pair = Pair::new(instance(), instance(), seed);
        pair.play(Duration::from_secs(1));
        for millis in [300, 5, 50, 1000, 10] {
            let other = BfdInstance { min_tx: interval(millis), min_rx: interval(millis), ..instance() };
            pair.feed(0, Event::Reconfigured(Box::new(other)));
            pair.play(Duration::from_secs(5));
            assert_eq!(pair.states(), [State::Up; 2], "seed {seed}, {millis} ms");
        }
        assert_eq!(pair.changes, [vec![false, true], vec![false, true]], "seed {seed}");
    }
}

mod whatever_happens {
    use super::*;
    use proptest::prelude::*;

    fn control() -> impl Strategy<Value = Control> {
        let octets = (any::<[u8; 4]>(), any::<[u32; 5]>());
        octets.prop_filter_map("discarded before", |(header, words)| {
            let mut bytes = [header[0] & 0x1f | 0x20, header[1] & !5, header[2], 24].to_vec();
            bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
            Control::parse(&bytes).ok()
        })
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Enable),
            Just(Event::Disable),
            Just(Event::Timer),
            control().prop_map(Event::Received),
            (1u64..5000, 1u64..5000, 1u8..).prop_map(|(tx, rx, multiplier)| {
                let multiplier = NonZeroU8::new(multiplier).expect("not zero");
                let config = BfdInstance { min_tx: interval(tx), min_rx: interval(rx), multiplier, ..instance() };
                Event::Reconfigured(Box::new(config))
            }),
        ]
    }

    proptest! {
        /// A session that is not up says so slowly, never polls and answers at once, and its deadline moves on.
        #[test]
        fn the_laws_of_a_session_hold(events in prop::collection::vec((0u64..2000, event()), 0..60)) {
            let mut session = Session::new(instance(), 1, Random::new(7));
            let mut now = Instant::ZERO;
            for (wait, event) in events {
                now += wait as u32 * MS;
                for control in sent(&session.handle(now, event)) {
                    prop_assert!(!(control.poll && control.finally));
                    prop_assert!(control.my_discriminator == 1 && control.detect_mult > 0);
                    prop_assert!(control.state == State::Up || control.desired_min_tx >= 1_000_000);
                    prop_assert_eq!(Control::parse(&control.emit()), Ok(control));
                }
                session.handle(now, Event::Timer);
                prop_assert!(session.next_deadline().is_none_or(|due| due > now), "it would spin");
                if session.state() == State::AdminDown {
                    prop_assert_eq!(session.next_deadline(), None);
                }
                if matches!(session.state(), State::Init | State::Up) {
                    prop_assert!(session.next_deadline().is_some(), "it would wait for ever");
                }
            }
        }
    }
}
