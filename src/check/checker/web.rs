//! HTTP_GET and SSL_GET: which url is asked next, and what an answer is worth.

use std::time::Duration;

use super::super::probe::{Answer, Cause};
use super::super::report::{Report, Retries};
use super::{Action, Checker};
use crate::model::CheckerKind;
use crate::model::check::{HttpCheck, HttpUrl};
use crate::time::Instant;

/// Where a checker stands in its urls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Progress {
    /// Position of the url to ask next.
    url: u32,
    /// The current url is the one that brought the checker down.
    is_failed: bool,
    /// The last difference between announced and received length that was told, per checker.
    mismatch: Option<i64>,
}

impl Progress {
    /// Position of the url to ask next.
    pub(super) fn url(self) -> usize {
        self.url as usize
    }

    /// After a reload the first url is asked next, unless another one keeps the checker down.
    pub(super) fn reloaded(self, up: bool) -> Progress {
        if up || !self.is_failed { Progress { url: 0, is_failed: false, ..self } } else { self }
    }
}

impl Checker {
    /// Whether the answer is what the url wants; reports a length that is not the one announced, which is no failure.
    pub(super) fn judge(&mut self, answer: Answer, actions: &mut Vec<Action>) -> Result<(), Cause> {
        let settings = std::sync::Arc::clone(&self.settings);
        let Some((url, _)) = current(&settings.kind, self.url()) else { return Ok(()) };
        if !answer.status.is_some_and(|status| url.status.contains(status)) {
            return Err(Cause::Status);
        }
        let received = answer.received;
        let mismatch = answer.announced.map(|announced| announced.wrapping_sub(received).cast_signed());
        if let (Some(announced), Some(difference), super::Progress::Web(web)) =
            (answer.announced, mismatch, &mut self.progress)
        {
            let told = web.mismatch.replace(difference);
            if difference == 0 {
                web.mismatch = None;
            } else if told != Some(difference) {
                actions.push(Action::Report(Report::LengthMismatch { path: url.path.clone(), announced, received }));
            }
        }
        if url.digest.is_some() && url.digest != answer.digest {
            return Err(Cause::Digest);
        }
        match &url.regex {
            Some(regex) if answer.matched == regex.no_match => Err(Cause::Regex),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn url_passed(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let settings = std::sync::Arc::clone(&self.settings);
        let Some((url, check)) = current(&settings.kind, self.url()) else { return self.passed(now, actions) };
        if !self.up {
            actions.push(Action::Report(Report::UrlPassed { path: url.path.clone(), by: looked_at(url) }));
        }
        if self.has_run {
            self.failures = 0;
        }
        let super::Progress::Web(web) = &mut self.progress else { return };
        let was_failed = std::mem::take(&mut web.is_failed);
        web.url = if was_failed { 0 } else { web.url + 1 };
        if web.url() >= check.urls.len() {
            web.url = 0;
            self.good(actions);
            self.failures = 0;
        }
        self.wait_for_url(now, check, settings.timing.delay_loop);
    }

    pub(super) fn url_failed(&mut self, now: Instant, cause: Cause, actions: &mut Vec<Action>) {
        let settings = std::sync::Arc::clone(&self.settings);
        let (timing, Some((_, check))) = (settings.timing, current(&settings.kind, self.url())) else { return };
        if self.is_concerned() {
            if settings.log_all_failures {
                actions.push(Action::Report(Report::Attempt(cause)));
            }
            self.has_run = true;
            self.failures = self.failures.saturating_add(1);
            if self.failures > timing.retry {
                if self.up {
                    actions.push(Action::Report(Report::Failed(Retries(timing.retry))));
                }
                self.bad(None, actions);
                if let super::Progress::Web(web) = &mut self.progress {
                    web.is_failed = true;
                }
            }
        }
        let delay = match self.progress {
            super::Progress::Web(web) if web.is_failed => timing.delay_loop.max(timing.delay_before_retry),
            _ => timing.delay_before_retry,
        };
        self.wait_for_url(now, check, delay);
    }

    /// `fast_recovery`: nothing is waited for while the server may come up and no url is known to fail.
    fn wait_for_url(&mut self, now: Instant, check: &HttpCheck, delay: Duration) {
        let is_failed = matches!(self.progress, super::Progress::Web(web) if web.is_failed);
        let recovers = check.fast_recovery && (!self.has_run || !self.up && !is_failed);
        self.wait(now, if recovers { Duration::ZERO } else { delay });
    }
}

fn current(kind: &CheckerKind, url: usize) -> Option<(&HttpUrl, &HttpCheck)> {
    match kind {
        CheckerKind::Http(check) | CheckerKind::Ssl(check) => check.urls.get(url).map(|url| (url, check)),
        _ => None,
    }
}

/// The last thing that an answer to this url is judged by.
fn looked_at(url: &HttpUrl) -> &'static str {
    match (&url.regex, url.digest) {
        (Some(_), _) => "Regex match",
        (None, Some(_)) => "MD5 digest",
        (None, None) => "HTTP status code",
    }
}
