//! What the kinds of checkers do that TCP_CHECK and HTTP_GET do not, and what options change.

use super::*;
use crate::check::{Attempts, ScriptEnd};
use crate::model::check::{FileCheck, Md5Digest, MiscCheck, Regex};
use crate::model::{Command, FileName};

fn alpha(checker: model::Checker) -> model::Checker {
    model::Checker { alpha: true, ..checker }
}

#[test]
fn an_alpha_checker_is_down_until_it_has_succeeded() {
    let mut bench = Bench::start(alpha(tcp(3)));
    assert!(!bench.checker.is_up());
    assert_eq!(bench.actions(failed()), reports([Report::Failed(Retries(0))]), "told once, and nothing goes down");
    assert_eq!(bench.actions(failed()), []);
    assert_eq!(bench.actions(Outcome::Passed), [Action::Report(Report::Succeeded), up(TCP_UP)]);
    let mut bench = Bench::start(alpha(http(3, &["/"])));
    assert_eq!(bench.actions(answer(404)), [], "of HTTP_GET not even that is told");
}

#[test]
fn with_log_all_failures_each_failure_while_up_is_told() {
    let mut bench = Bench::start(model::Checker { log_all_failures: true, ..tcp(1) });
    bench.actions(Outcome::Passed);
    assert_eq!(bench.actions(failed()), reports([Report::Attempt(Cause::ConnectFailed)]));
    let last = [Report::Attempt(Cause::ConnectTimeout), Report::Failed(Retries(1))];
    let gone = [reports(last), vec![down(TCP_DOWN)]].concat();
    assert_eq!(bench.actions(Outcome::Failed(Cause::ConnectTimeout)), gone);
    assert_eq!(bench.actions(failed()), []);
}

#[test]
fn fast_recovery_waits_for_nothing_while_a_server_may_come_up() {
    let mut settings = http(0, &["/a", "/b"]);
    let CheckerKind::Http(check) = &mut settings.kind else { unreachable!("just made") };
    check.fast_recovery = true;
    let mut bench = Bench::start(settings);
    bench.actions(answer(200));
    assert_eq!(bench.until_next(), Duration::ZERO, "not run yet");
    bench.actions(answer(200));
    assert_eq!(bench.until_next(), 2 * SECOND);
    bench.actions(answer(404));
    assert_eq!(bench.until_next(), 2 * SECOND, "a url is known to fail");
    bench.actions(answer(200));
    assert_eq!(bench.until_next(), Duration::ZERO);
}

#[test]
fn a_digest_and_a_pattern_must_both_be_right() {
    let mut settings = http(0, &["/"]);
    let CheckerKind::Http(check) = &mut settings.kind else { unreachable!("just made") };
    check.urls[0].digest = Some(Md5Digest([7; 16]));
    let regex = Regex {
        pattern: b"x".to_vec(),
        options: Vec::new(),
        no_match: false,
        min_offset: 0,
        max_offset: None,
        stack: None,
    };
    check.urls[0].regex = Some(regex);
    let answer = |digest: u8, matched| {
        let digest = Some(Md5Digest([digest; 16]));
        Outcome::Answered(Answer { status: Some(200), announced: None, received: 0, digest, matched })
    };
    let verdict = |outcome| {
        let mut bench = Bench::start(model::Checker { log_all_failures: true, ..settings.clone() });
        bench.actions(outcome).remove(0)
    };
    assert_eq!(verdict(answer(7, true)), Action::Report(Report::Succeeded));
    assert_eq!(verdict(answer(8, true)), Action::Report(Report::Attempt(Cause::Digest)));
    assert_eq!(verdict(answer(7, false)), Action::Report(Report::Attempt(Cause::Regex)));
}

#[test]
fn smtp_has_its_retries_in_every_run() {
    let mut bench = Bench::start(settings(1, CheckerKind::Smtp("me".to_owned())));
    let banner = || Outcome::Failed(Cause::Banner);
    let gone = [
        Action::Report(Report::Attempt(Cause::Banner)),
        down("=> CHECK failed on service : Bad greeting banner from server [172.17.0.4]:80 <="),
    ];
    assert_eq!(bench.actions(banner()), [], "also in the first");
    assert_eq!(bench.until_next(), SECOND);
    assert_eq!(bench.actions(banner()), gone);
    assert_eq!(bench.until_next(), 2 * SECOND);
    assert_eq!(bench.actions(banner()), []);
    assert_eq!(bench.until_next(), SECOND, "and while down");
}

#[test]
fn dns_tells_the_last_attempt_and_no_success() {
    let check = model::check::DnsCheck { name: model::check::DnsName::ROOT, kind: model::check::DnsType::Soa };
    let mut bench = Bench::start(settings(1, CheckerKind::Dns(check)));
    assert_eq!(bench.actions(Outcome::Passed), []);
    assert_eq!(bench.actions(Outcome::Failed(Cause::ReadTimeout)), []);
    let gone = [
        Action::Report(Report::LastAttempt(Cause::ResponseCode(2), Retries(1))),
        down("=> DNS_CHECK: failed on service <="),
    ];
    assert_eq!(bench.actions(Outcome::Failed(Cause::ResponseCode(2))), gone);
    assert_eq!(bench.actions(Outcome::Passed), [up("=> DNS_CHECK: succeed on service <=")]);
}

fn script(retry: u32, dynamic: bool) -> Bench {
    let command = Command { argv: vec!["/check".to_owned()], user: None };
    Bench::start(settings(retry, CheckerKind::Misc(MiscCheck { command, timeout: SECOND, dynamic })))
}

fn exited(status: i32) -> Outcome {
    Outcome::Ended(ScriptEnd::Exited(status))
}

#[test]
fn a_dynamic_script_sets_the_weight_of_its_server() {
    let mut bench = script(0, true);
    assert_eq!(bench.actions(exited(0)), reports([Report::Succeeded]));
    assert_eq!(bench.checker.weight(10), 0);
    assert_eq!(bench.actions(exited(77)), [Action::WeightChanged]);
    assert_eq!(bench.checker.weight(10), 65, "75 instead of 10");
    assert_eq!(bench.actions(exited(77)), []);
    assert_eq!(bench.actions(exited(2)), [Action::WeightChanged]);
    assert_eq!(bench.checker.weight(10), -10, "0 is a weight, not a failure");
    let failed = Report::Script(ScriptEnd::Exited(1), Attempts { failed: 0, retry: 0 });
    let gone = [Action::Report(failed), down("=> MISC CHECK failed on service <="), Action::WeightChanged];
    assert_eq!(bench.actions(exited(1)), gone);
    assert_eq!(bench.checker.weight(10), 0);
    let back = [Action::WeightChanged, Action::Report(Report::Succeeded), up("=> MISC CHECK succeeded on service <=")];
    assert_eq!(bench.actions(exited(255)), back);
    assert_eq!(bench.checker.weight(10), 243);
}

#[test]
fn without_misc_dynamic_every_status_but_0_is_a_failure() {
    let mut bench = script(0, false);
    bench.actions(exited(0));
    assert!(bench.actions(exited(77)).contains(&down("=> MISC CHECK failed on service <=")));
    assert_eq!(bench.checker.weight(10), 0);
}

#[test]
fn a_script_runs_again_delay_loop_after_it_started() {
    let mut bench = script(1, false);
    bench.now = bench.checker.next_deadline().expect("waiting");
    bench.checker.handle(bench.now, Event::Tick);
    bench.now += SECOND / 2;
    bench.checker.handle(bench.now, Event::Finished(exited(0)));
    assert_eq!(bench.until_next(), SECOND * 3 / 2);
    bench.now = bench.checker.next_deadline().expect("waiting");
    bench.checker.handle(bench.now, Event::Tick);
    bench.now += 9 * SECOND;
    bench.checker.handle(bench.now, Event::Finished(Outcome::Ended(ScriptEnd::TimedOut)));
    assert_eq!(bench.until_next(), Duration::ZERO, "late already");
}

#[test]
fn a_file_s_number_is_a_weight_or_a_failure() {
    let file = |weight, reverse| {
        let check = FileCheck { name: FileName("f".to_owned()), weight, reverse };
        Checker::start(settings(0, CheckerKind::File(check)).into(), Instant::ZERO, 0.0)
    };
    let mut weighted = file(2, false);
    assert_eq!(weighted.next_deadline(), None);
    assert_eq!(weighted.handle(Instant::ZERO, Event::Value(5)), [Action::WeightChanged]);
    assert_eq!(weighted.weight(1), 10);
    let gone = weighted.handle(Instant::ZERO, Event::Value(i64::from(i32::MIN)));
    assert!(
        matches!(
            gone.as_slice(),
            [Action::WeightChanged, Action::Report(Report::FileFault(true)), Action::WentDown(_)]
        ),
        "{gone:?}"
    );
    for (reverse, bad, good) in [(false, 1, 0), (true, 0, 1)] {
        let mut plain = file(0, reverse);
        let gone = plain.handle(Instant::ZERO, Event::Value(bad));
        assert!(matches!(gone.as_slice(), [Action::Report(Report::FileFault(true)), Action::WentDown(_)]), "{gone:?}");
        let back = plain.handle(Instant::ZERO, Event::Value(good));
        assert!(matches!(back.as_slice(), [Action::Report(Report::FileFault(false)), Action::WentUp(_)]), "{back:?}");
    }
}

#[test]
fn a_bfd_session_s_state_is_the_verdict() {
    let checker = settings(0, CheckerKind::Bfd("B".to_owned()));
    let mut checker = Checker::start(checker.into(), Instant::ZERO, 0.0);
    let gone = [Action::Report(Report::Session(false)), down("=> BFD CHECK B failed on service <=")];
    assert_eq!(checker.handle(Instant::ZERO, Event::Session(false)), gone);
    assert_eq!(checker.handle(Instant::ZERO, Event::Session(false)), []);
    let back = [Action::Report(Report::Session(true)), up("=> BFD CHECK B succeeded on service <=")];
    assert_eq!(checker.handle(Instant::ZERO, Event::Session(true)), back);
}
