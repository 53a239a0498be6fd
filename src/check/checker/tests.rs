//! The rules of a checker, each as keepalived was seen to follow it.

use proptest::prelude::*;

use super::*;
use crate::model::{CheckTiming, HttpUrl, StatusCodes};

const SECOND: Duration = Duration::from_secs(1);

fn timing(retry: u32) -> CheckTiming {
    CheckTiming {
        delay_loop: 2 * SECOND,
        connect_timeout: 2 * SECOND,
        retry,
        delay_before_retry: SECOND,
        warmup: 10 * SECOND,
    }
}

fn settings(retry: u32, kind: CheckerKind) -> model::Checker {
    model::Checker { timing: timing(retry), target: ([172, 17, 0, 4], 80).into(), kind }
}

fn tcp(retry: u32) -> model::Checker {
    settings(retry, CheckerKind::Tcp)
}

fn http(retry: u32, paths: &[&str]) -> model::Checker {
    let url = |path: &&str| HttpUrl { path: (*path).to_owned(), status: StatusCodes::default() };
    settings(retry, CheckerKind::Http(HttpCheck { urls: paths.iter().map(url).collect(), virtual_host: None }))
}

/// A checker with a clock and a server that answers as told.
struct Bench {
    checker: Checker,
    now: Instant,
}

impl Bench {
    fn start(settings: model::Checker) -> Bench {
        Bench { checker: Checker::start(settings, Instant::ZERO, 0.0), now: Instant::ZERO }
    }

    /// Waits for the next probe, lets `outcome` come of it, and says what was asked and what the checker made of it.
    fn run(&mut self, outcome: Outcome) -> (Attempt, Vec<Action>) {
        self.now = self.checker.next_deadline().expect("waiting for the next run");
        let actions = self.checker.handle(self.now, Event::Tick);
        let [Action::Probe(probe)] = actions.as_slice() else { panic!("one probe, not {actions:?}") };
        (probe.attempt.clone(), self.checker.handle(self.now, Event::Finished(outcome)))
    }

    fn actions(&mut self, outcome: Outcome) -> Vec<Action> {
        self.run(outcome).1
    }

    /// The path asked for.
    fn path(&mut self, status: u16) -> String {
        match self.run(answer(status)).0 {
            Attempt::Request(bytes) => {
                let text = String::from_utf8(bytes).expect("ASCII");
                text.split(' ').nth(1).expect("a path").to_owned()
            }
            Attempt::Connect => panic!("an HTTP request"),
        }
    }

    fn until_next(&self) -> Duration {
        self.checker.next_deadline().expect("waiting") - self.now
    }
}

fn answer(status: u16) -> Outcome {
    let head = format!("HTTP/1.0 {status} -\r\n\r\n").into_bytes();
    Outcome::Answered { length: head.len() as u64, head }
}

fn reports(reports: impl IntoIterator<Item = Report>) -> Vec<Action> {
    reports.into_iter().map(Action::Report).collect()
}

#[test]
fn the_first_run_comes_after_a_second_and_the_random_part_of_the_warm_up() {
    for (random, expected) in [(0.0, 1000), (0.5, 6000), (1.0, 11000)] {
        let checker = Checker::start(tcp(1), Instant::ZERO, random);
        assert_eq!(checker.next_deadline(), Some(Instant::from_start(Duration::from_millis(expected))));
    }
}

#[test]
fn at_start_the_first_failure_is_final() {
    let mut bench = Bench::start(tcp(3));
    let failed = [Action::Report(Report::TcpFailed(Retries(0))), Action::WentDown];
    assert_eq!(bench.actions(Outcome::Failed), failed);
    let mut bench = Bench::start(http(3, &["/"]));
    let failed = [Action::Report(Report::HttpFailed(Retries(3))), Action::WentDown];
    assert_eq!(bench.actions(Outcome::Failed), failed);
}

#[test]
fn at_start_a_later_url_that_fails_has_no_retries_either() {
    let mut bench = Bench::start(http(3, &["/", "/second"]));
    assert_eq!(bench.actions(answer(200)), []);
    assert_eq!(bench.actions(answer(404)), [Action::Report(Report::HttpFailed(Retries(3))), Action::WentDown]);
}

#[test]
fn a_checker_added_by_a_reload_has_its_retries_in_the_first_run() {
    let checker = Checker::added(tcp(1), Instant::ZERO, 0.0);
    let mut bench = Bench { checker, now: Instant::ZERO };
    assert_eq!(bench.actions(Outcome::Failed), []);
    assert_eq!(bench.until_next(), SECOND);
    assert_eq!(bench.actions(Outcome::Failed), [Action::Report(Report::TcpFailed(Retries(1))), Action::WentDown]);
}

#[test]
fn while_up_a_failure_is_tried_again_as_often_as_configured() {
    let mut bench = Bench::start(tcp(2));
    bench.actions(Outcome::Connected);
    for _ in 0..2 {
        assert_eq!(bench.actions(Outcome::Failed), []);
        assert_eq!(bench.until_next(), SECOND, "delay_before_retry");
    }
    assert_eq!(bench.actions(Outcome::Failed), [Action::Report(Report::TcpFailed(Retries(2))), Action::WentDown]);
}

#[test]
fn a_success_between_failures_starts_the_count_again() {
    let mut bench = Bench::start(tcp(1));
    bench.actions(Outcome::Connected);
    for _ in 0..5 {
        assert_eq!(bench.actions(Outcome::Failed), []);
        assert_eq!(bench.actions(Outcome::Connected), []);
    }
    assert!(bench.checker.is_up());
}

#[test]
fn while_down_one_try_per_delay_loop_says_nothing_until_one_success_brings_it_up() {
    let mut bench = Bench::start(tcp(3));
    bench.actions(Outcome::Failed);
    for _ in 0..3 {
        assert_eq!(bench.until_next(), 2 * SECOND, "delay_loop");
        assert_eq!(bench.actions(Outcome::Failed), []);
    }
    assert_eq!(bench.actions(Outcome::Connected), [Action::Report(Report::TcpSucceeded), Action::WentUp]);
}

#[test]
fn the_first_success_is_told_and_later_ones_are_not() {
    let mut bench = Bench::start(tcp(1));
    assert_eq!(bench.actions(Outcome::Connected), reports([Report::TcpSucceeded]));
    assert_eq!(bench.actions(Outcome::Connected), []);
    let mut bench = Bench::start(http(1, &["/", "/second"]));
    assert_eq!(bench.actions(answer(200)), []);
    assert_eq!(bench.actions(answer(200)), reports([Report::HttpSucceeded]));
    assert_eq!(bench.actions(answer(200)), []);
}

#[test]
fn urls_take_turns_with_delay_loop_between_them() {
    let mut bench = Bench::start(http(1, &["/a", "/b", "/c"]));
    for path in ["/a", "/b", "/c", "/a", "/b"] {
        assert_eq!(bench.path(200), path);
        assert_eq!(bench.until_next(), 2 * SECOND);
    }
}

#[test]
fn every_url_has_the_retries_to_itself() {
    // As keepalived was seen to: /b and /c each fail once in one round, and with one retry nothing goes down.
    let mut bench = Bench::start(http(1, &["/a", "/b", "/c"]));
    let round = [("/a", 200), ("/b", 200), ("/c", 200)];
    let rough = [("/a", 200), ("/b", 500), ("/b", 200), ("/c", 500), ("/c", 200)];
    for (path, status) in round.into_iter().chain(rough).chain(round) {
        assert_eq!(bench.path(status), path);
    }
    assert!(bench.checker.is_up());
}

#[test]
fn a_failed_url_is_asked_alone_and_then_all_must_pass_from_the_first() {
    let mut bench = Bench::start(http(0, &["/", "/second"]));
    assert_eq!(bench.path(200), "/");
    assert_eq!(bench.path(404), "/second");
    assert!(!bench.checker.is_up());
    assert_eq!(bench.path(404), "/second");
    assert_eq!(bench.path(200), "/second");
    assert_eq!(bench.path(200), "/");
    assert!(!bench.checker.is_up());
    let up = [
        Action::Report(Report::UrlPassed { path: "/second".to_owned() }),
        Action::Report(Report::HttpSucceeded),
        Action::WentUp,
    ];
    assert_eq!(bench.actions(answer(200)), up);
}

#[test]
fn a_single_failed_url_must_pass_twice() {
    let mut bench = Bench::start(http(0, &["/"]));
    bench.actions(answer(404));
    assert_eq!(bench.actions(answer(200)), reports([Report::UrlPassed { path: "/".to_owned() }]));
    assert!(bench.actions(answer(200)).contains(&Action::WentUp));
}

#[test]
fn a_failed_http_check_waits_for_the_longer_of_both_delays() {
    let mut settings = http(0, &["/"]);
    settings.timing.delay_before_retry = 7 * SECOND;
    let mut bench = Bench::start(settings);
    bench.actions(Outcome::Failed);
    assert_eq!(bench.until_next(), 7 * SECOND);
}

#[test]
fn a_probe_that_could_not_be_made_is_no_failure() {
    let mut bench = Bench::start(tcp(0));
    let told = reports([Report::NotMade("too many open files".to_owned())]);
    assert_eq!(bench.actions(Outcome::NotMade("too many open files".to_owned())), told);
    assert!(bench.checker.is_up());
    assert_eq!(bench.until_next(), 2 * SECOND);
}

#[test]
fn a_wrong_length_is_told_once() {
    let mut bench = Bench::start(http(0, &["/"]));
    let head = b"HTTP/1.0 200 -\r\nContent-Length: 9\r\n\r\nok".to_vec();
    let short = Outcome::Answered { length: head.len() as u64, head };
    let told = Report::LengthMismatch { path: "/".to_owned(), announced: 9, received: 2 };
    assert_eq!(bench.actions(short.clone()), reports([told, Report::HttpSucceeded]));
    assert_eq!(bench.actions(short), []);
}

#[test]
fn a_reload_keeps_health_and_failures_and_starts_the_schedule_again() {
    let mut bench = Bench::start(tcp(2));
    bench.actions(Outcome::Connected);
    bench.actions(Outcome::Failed);
    let impatient = tcp(1);
    assert!(bench.checker.asks_the_same(&impatient));
    bench.checker = bench.checker.reloaded(impatient, bench.now, 0.0);
    assert_eq!(bench.until_next(), SECOND);
    assert_eq!(bench.actions(Outcome::Failed), [Action::Report(Report::TcpFailed(Retries(1))), Action::WentDown]);
}

#[test]
fn a_checker_with_another_url_or_timeout_asks_something_else() {
    let checker = Checker::start(http(1, &["/"]), Instant::ZERO, 0.0);
    assert!(checker.asks_the_same(&http(9, &["/"])));
    assert!(!checker.asks_the_same(&http(1, &["/other"])));
    assert!(!checker.asks_the_same(&tcp(1)));
    let mut slower = http(1, &["/"]);
    slower.timing.connect_timeout *= 2;
    assert!(!checker.asks_the_same(&slower));
}

#[test]
fn a_tick_before_time_and_an_answer_nobody_waits_for_change_nothing() {
    let mut checker = Checker::start(tcp(0), Instant::ZERO, 0.0);
    let before = checker.clone();
    assert_eq!(checker.handle(Instant::ZERO, Event::Tick), []);
    assert_eq!(checker.handle(Instant::ZERO, Event::Finished(Outcome::Failed)), []);
    assert_eq!(checker, before);
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(answer(200)),
        Just(answer(404)),
        Just(Outcome::Failed),
        Just(Outcome::NotMade("no descriptors".to_owned())),
        proptest::collection::vec(any::<u8>(), 0..40)
            .prop_map(|head| Outcome::Answered { length: head.len() as u64, head }),
    ]
}

proptest! {
    /// Whatever a server does: up and down take turns, a failure is never final while retries are left, and the next
    /// run is always ahead.
    #[test]
    fn up_and_down_take_turns_whatever_a_server_does(
        retry in 0u32..4,
        urls in 1usize..4,
        at_start: bool,
        outcomes in proptest::collection::vec(any_outcome(), 0..60),
    ) {
        let settings = http(retry, &["/a", "/b", "/c"][..urls]);
        let create = if at_start { Checker::start } else { Checker::added };
        let mut bench = Bench { checker: create(settings, Instant::ZERO, 0.5), now: Instant::ZERO };
        let (mut up, mut failures) = (true, if at_start { retry } else { 0 });
        for outcome in outcomes {
            let failed = outcome != answer(200) && !matches!(outcome, Outcome::NotMade(_));
            let actions = bench.actions(outcome);
            failures = if failed { failures + 1 } else { failures };
            let changes: Vec<_> =
                actions.iter().filter(|action| matches!(action, Action::WentUp | Action::WentDown)).collect();
            match changes.as_slice() {
                [] => {}
                [Action::WentUp] if !up => (up, failures) = (true, 0),
                [Action::WentDown] if up && failures + 1 > retry => up = false,
                other => prop_assert!(false, "{other:?} while {}", if up { "up" } else { "down" }),
            }
            prop_assert_eq!(bench.checker.is_up(), up);
            prop_assert!(bench.until_next() > Duration::ZERO);
        }
    }
}
