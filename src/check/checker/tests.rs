//! The rules of a checker, each as keepalived was seen to follow it.

mod kinds;

use proptest::prelude::*;

use super::*;
use crate::check::Answer;
use crate::model::check::{HttpVersion, TlsClient};
use crate::model::{CheckTiming, HttpCheck, HttpUrl, Route, StatusCodes};

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
    let route = Route::to(([172, 17, 0, 4], 80).into());
    model::Checker { timing: timing(retry), route, alpha: false, log_all_failures: false, kind }
}

fn tcp(retry: u32) -> model::Checker {
    settings(retry, CheckerKind::Tcp)
}

fn url(path: &str) -> HttpUrl {
    HttpUrl {
        path: path.to_owned(),
        status: StatusCodes::default(),
        virtual_host: None,
        digest: None,
        regex: None,
        tls_compliant: false,
    }
}

fn http(retry: u32, paths: &[&str]) -> model::Checker {
    let check = HttpCheck {
        urls: paths.iter().map(|path| url(path)).collect(),
        virtual_host: None,
        version: HttpVersion::default(),
        fast_recovery: false,
        tls: TlsClient::default(),
    };
    settings(retry, CheckerKind::Http(check))
}

/// A checker with a clock and a server that answers as told.
struct Bench {
    checker: Checker,
    now: Instant,
}

impl Bench {
    fn start(settings: model::Checker) -> Bench {
        Bench { checker: Checker::start(settings.into(), Instant::ZERO, 0.0), now: Instant::ZERO }
    }

    /// Waits for the next probe, lets `outcome` come of it, and says what was asked and what the checker made of it.
    fn run(&mut self, outcome: Outcome) -> (Probe, Vec<Action>) {
        self.now = self.checker.next_deadline().expect("waiting for the next run");
        let actions = self.checker.handle(self.now, Event::Tick);
        let [Action::Probe(probe)] = actions.as_slice() else { panic!("one probe, not {actions:?}") };
        (probe.clone(), self.checker.handle(self.now, Event::Finished(outcome)))
    }

    fn actions(&mut self, outcome: Outcome) -> Vec<Action> {
        self.run(outcome).1
    }

    /// The path asked for.
    fn path(&mut self, status: u16) -> String {
        let probe = self.run(answer(status)).0;
        let CheckerKind::Http(check) = &probe.checker.kind else { panic!("HTTP_GET") };
        check.urls[probe.url].path.clone()
    }

    fn until_next(&self) -> Duration {
        self.checker.next_deadline().expect("waiting") - self.now
    }
}

fn answer(status: u16) -> Outcome {
    Outcome::Answered(Answer { status: Some(status), announced: None, received: 0, digest: None, matched: false })
}

fn failed() -> Outcome {
    Outcome::Failed(Cause::ConnectFailed)
}

/// What a mail says.
fn up(body: &str) -> Action {
    Action::WentUp(body.to_owned())
}

fn down(body: &str) -> Action {
    Action::WentDown(body.to_owned())
}

const TCP_UP: &str = "=> TCP CHECK succeed on service <=";
const TCP_DOWN: &str = "=> TCP CHECK failed on service <=";
const WEB_UP: &str = "=> CHECK succeed on service <=";
const WEB_DOWN: &str = "=> CHECK failed on service : HTTP request failed <=";

fn reports(reports: impl IntoIterator<Item = Report>) -> Vec<Action> {
    reports.into_iter().map(Action::Report).collect()
}

#[test]
fn the_first_run_comes_after_a_second_and_the_random_part_of_the_warm_up() {
    for (random, expected) in [(0.0, 1000), (0.5, 6000), (1.0, 11000)] {
        let checker = Checker::start(tcp(1).into(), Instant::ZERO, random);
        assert_eq!(checker.next_deadline(), Some(Instant::from_start(Duration::from_millis(expected))));
    }
}

#[test]
fn at_start_the_first_failure_is_final() {
    let mut bench = Bench::start(tcp(3));
    let gone = [Action::Report(Report::Failed(Retries(0))), down(TCP_DOWN)];
    assert_eq!(bench.actions(failed()), gone);
    let mut bench = Bench::start(http(3, &["/"]));
    let gone = [Action::Report(Report::Failed(Retries(3))), down(WEB_DOWN)];
    assert_eq!(bench.actions(failed()), gone);
}

#[test]
fn at_start_a_later_url_that_fails_has_no_retries_either() {
    let mut bench = Bench::start(http(3, &["/", "/second"]));
    assert_eq!(bench.actions(answer(200)), []);
    assert_eq!(bench.actions(answer(404)), [Action::Report(Report::Failed(Retries(3))), down(WEB_DOWN)]);
}

#[test]
fn a_checker_added_by_a_reload_has_its_retries_in_the_first_run() {
    let checker = Checker::added(tcp(1).into(), Instant::ZERO, 0.0);
    let mut bench = Bench { checker, now: Instant::ZERO };
    assert_eq!(bench.actions(failed()), []);
    assert_eq!(bench.until_next(), SECOND);
    assert_eq!(bench.actions(failed()), [Action::Report(Report::Failed(Retries(1))), down(TCP_DOWN)]);
}

#[test]
fn while_up_a_failure_is_tried_again_as_often_as_configured() {
    let mut bench = Bench::start(tcp(2));
    bench.actions(Outcome::Passed);
    for _ in 0..2 {
        assert_eq!(bench.actions(failed()), []);
        assert_eq!(bench.until_next(), SECOND, "delay_before_retry");
    }
    assert_eq!(bench.actions(failed()), [Action::Report(Report::Failed(Retries(2))), down(TCP_DOWN)]);
}

#[test]
fn a_success_between_failures_starts_the_count_again() {
    let mut bench = Bench::start(tcp(1));
    bench.actions(Outcome::Passed);
    for _ in 0..5 {
        assert_eq!(bench.actions(failed()), []);
        assert_eq!(bench.actions(Outcome::Passed), []);
    }
    assert!(bench.checker.is_up());
}

#[test]
fn while_down_one_try_per_delay_loop_says_nothing_until_one_success_brings_it_up() {
    let mut bench = Bench::start(tcp(3));
    bench.actions(failed());
    for _ in 0..3 {
        assert_eq!(bench.until_next(), 2 * SECOND, "delay_loop");
        assert_eq!(bench.actions(failed()), []);
    }
    assert_eq!(bench.actions(Outcome::Passed), [Action::Report(Report::Succeeded), up(TCP_UP)]);
}

#[test]
fn the_first_success_is_told_and_later_ones_are_not() {
    let mut bench = Bench::start(tcp(1));
    assert_eq!(bench.actions(Outcome::Passed), reports([Report::Succeeded]));
    assert_eq!(bench.actions(Outcome::Passed), []);
    let mut bench = Bench::start(http(1, &["/", "/second"]));
    assert_eq!(bench.actions(answer(200)), []);
    assert_eq!(bench.actions(answer(200)), reports([Report::Succeeded]));
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
    let back = [
        Action::Report(Report::UrlPassed { path: "/second".to_owned(), by: "HTTP status code" }),
        Action::Report(Report::Succeeded),
        up(WEB_UP),
    ];
    assert_eq!(bench.actions(answer(200)), back);
}

#[test]
fn a_single_failed_url_must_pass_twice() {
    let mut bench = Bench::start(http(0, &["/"]));
    bench.actions(answer(404));
    assert_eq!(
        bench.actions(answer(200)),
        reports([Report::UrlPassed { path: "/".to_owned(), by: "HTTP status code" }])
    );
    assert!(bench.actions(answer(200)).contains(&up(WEB_UP)));
}

#[test]
fn a_failed_http_check_waits_for_the_longer_of_both_delays() {
    let mut settings = http(0, &["/"]);
    settings.timing.delay_before_retry = 7 * SECOND;
    let mut bench = Bench::start(settings);
    bench.actions(failed());
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
    let short =
        Outcome::Answered(Answer { status: Some(200), announced: Some(9), received: 2, digest: None, matched: false });
    let told = Report::LengthMismatch { path: "/".to_owned(), announced: 9, received: 2 };
    assert_eq!(bench.actions(short.clone()), reports([told, Report::Succeeded]));
    assert_eq!(bench.actions(short), []);
}

#[test]
fn a_reload_keeps_health_and_failures_and_starts_the_schedule_again() {
    let mut bench = Bench::start(tcp(2));
    bench.actions(Outcome::Passed);
    bench.actions(failed());
    let impatient = tcp(1);
    assert!(bench.checker.asks_the_same(&impatient));
    bench.checker = bench.checker.reloaded(impatient.into(), bench.now, 0.0);
    assert_eq!(bench.until_next(), SECOND);
    assert_eq!(bench.actions(failed()), [Action::Report(Report::Failed(Retries(1))), down(TCP_DOWN)]);
}

#[test]
fn a_checker_with_another_url_or_timeout_asks_something_else() {
    let checker = Checker::start(http(1, &["/"]).into(), Instant::ZERO, 0.0);
    assert!(checker.asks_the_same(&http(9, &["/"])));
    assert!(!checker.asks_the_same(&http(1, &["/other"])));
    assert!(!checker.asks_the_same(&tcp(1)));
    let mut slower = http(1, &["/"]);
    slower.timing.connect_timeout *= 2;
    assert!(!checker.asks_the_same(&slower));
}

#[test]
fn a_tick_before_time_and_an_answer_nobody_waits_for_change_nothing() {
    let mut checker = Checker::start(tcp(0).into(), Instant::ZERO, 0.0);
    let before = checker.clone();
    assert_eq!(checker.handle(Instant::ZERO, Event::Tick), []);
    assert_eq!(checker.handle(Instant::ZERO, Event::Finished(failed())), []);
    assert_eq!(checker, before);
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(answer(200)),
        Just(answer(404)),
        Just(failed()),
        Just(Outcome::NotMade("no descriptors".to_owned())),
        Just(Outcome::Failed(Cause::NoHeader)),
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
        let mut bench = Bench { checker: create(settings.into(), Instant::ZERO, 0.5), now: Instant::ZERO };
        let (mut up, mut failures) = (true, if at_start { retry } else { 0 });
        for outcome in outcomes {
            let failed = outcome != answer(200) && !matches!(outcome, Outcome::NotMade(_));
            let actions = bench.actions(outcome);
            failures = if failed { failures + 1 } else { failures };
            let changes: Vec<_> =
                actions.iter().filter(|action| matches!(action, Action::WentUp(_) | Action::WentDown(_))).collect();
            match changes.as_slice() {
                [] => {}
                [Action::WentUp(_)] if !up => (up, failures) = (true, 0),
                [Action::WentDown(_)] if up && failures + 1 > retry => up = false,
                other => prop_assert!(false, "{other:?} while {}", if up { "up" } else { "down" }),
            }
            prop_assert_eq!(bench.checker.is_up(), up);
            prop_assert!(bench.until_next() > Duration::ZERO);
        }
    }
}
