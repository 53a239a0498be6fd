//! What a route says about its path: `mtu`, `rtt` and so on.

use crate::config::context::Context;
use crate::diagnostic::Name;
use crate::model::route::Metric;
use crate::schema::Decimal;
use crate::syntax::Word;

use super::routes::Draft;
use super::words::{bad, complain, number, shown};

/// `RTAX_FEATURE_ECN`
const ECN: u32 = 1;
/// Round trip times that TCP knows, in milliseconds (linux/net/tcp.h `TCP_RTO_MIN`, `TCP_RTO_MAX`).
const ROUND_TRIPS_MS: (u128, u128) = (200, 120_000);

impl Draft<'_> {
    pub(super) fn metric(&mut self, context: &mut Context, word: &Word, metric: Metric) -> Option<()> {
        if can_be_locked(metric) && self.line.next_is(b"lock") {
            self.route.locked.insert(metric);
        }
        let value = self.line.value(context)?;
        let name = shown(word);
        let small = |context: &mut Context, most| {
            number::<u32>(context, value, most, |text| format!("Invalid {name} value {text} specified for route"))
        };
        let number = match metric {
            Metric::CongestionControl => {
                self.route.congestion_control = Some(value.text().into_owned());
                return Some(());
            }
            Metric::Features if value.bytes == b"ecn" => ECN,
            Metric::Features => {
                let gist = format!("feature {} not supported", shown(value));
                let message = "the only feature is ecn".to_owned();
                complain(context, Name::INVALID_VALUE, value.span, message, gist);
                return Some(());
            }
            Metric::Rtt => self.round_trip(context, value, 8, "rtt")?,
            Metric::RttVariance => self.round_trip(context, value, 4, "rttvar")?,
            Metric::RtoMin => self.round_trip(context, value, 1, "rto_min")?,
            Metric::HopLimit => small(context, 255)?,
            Metric::QuickAck | Metric::FastOpenNoCookie => small(context, 1)?,
            _ => small(context, u32::MAX.into())?,
        };
        self.route.metrics.insert(metric, number);
        Some(())
    }

    /// A time with a unit, or in `parts` of a millisecond without; times that TCP does not know are cut.
    fn round_trip(&mut self, context: &mut Context, word: &Word, parts: u128, name: &str) -> Option<u32> {
        let (least, most) = (ROUND_TRIPS_MS.0 * parts, ROUND_TRIPS_MS.1 * parts);
        match round_trip(&word.bytes, parts).filter(|(time, has_unit)| *has_unit || *time <= most) {
            Some((time, _)) => Some(time.clamp(least, most) as u32),
            None => {
                let gist = format!("Invalid {name} {} for route", shown(word));
                bad(context, word, format!("'{}' is no time up to 120 s", shown(word)), gist)
            }
        }
    }
}

/// The metric that a word names.
pub(super) fn metric(word: &[u8]) -> Option<Metric> {
    Some(match word {
        b"mtu" => Metric::Mtu,
        b"window" => Metric::Window,
        b"rtt" => Metric::Rtt,
        b"rttvar" => Metric::RttVariance,
        b"ssthresh" => Metric::SlowStartThreshold,
        b"cwnd" => Metric::CongestionWindow,
        b"advmss" => Metric::AdvertisedMss,
        b"reordering" => Metric::Reordering,
        b"hoplimit" => Metric::HopLimit,
        b"initcwnd" => Metric::InitialCongestionWindow,
        b"features" => Metric::Features,
        b"rto_min" => Metric::RtoMin,
        b"initrwnd" => Metric::InitialReceiveWindow,
        b"quickack" => Metric::QuickAck,
        b"congctl" => Metric::CongestionControl,
        b"fastopen_no_cookie" => Metric::FastOpenNoCookie,
        _ => return None,
    })
}

fn can_be_locked(metric: Metric) -> bool {
    !matches!(
        metric,
        Metric::Window
            | Metric::HopLimit
            | Metric::InitialCongestionWindow
            | Metric::InitialReceiveWindow
            | Metric::Features
            | Metric::QuickAck
            | Metric::FastOpenNoCookie
    )
}

/// `1.5s`, `300ms` in parts of a millisecond; a bare number is in such parts already. True if there was a unit.
fn round_trip(text: &[u8], parts: u128) -> Option<(u128, bool)> {
    let text = text.trim_ascii_start();
    let Some(unit) = text.iter().position(|byte| byte.eq_ignore_ascii_case(&b's')) else {
        return Decimal::parse(text, 0).map(|number| (number.scaled, false));
    };
    let word = text[unit..].to_ascii_lowercase();
    if !matches!(word.as_slice(), b"s" | b"sec" | b"secs") {
        return None;
    }
    let number = &text[..unit];
    match number.split_last() {
        Some((last, number)) if last.eq_ignore_ascii_case(&b'm') => Decimal::parse(number, 0),
        _ => Decimal::parse(number, 3),
    }
    .map(|number| (number.scaled * parts, true))
}
