//! The keywords of `vrrp_instance` about its behaviour: [`Conduct`] and how its addresses are announced.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::context::Context;
use crate::config::cursor::{Line, shortened};
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{
    AnnouncePace, ChecksumV3, Conduct, DownTimerAdverts, Global, GratuitousArp, InstanceDefaults, Priority,
    ReceiveChecks,
};
use crate::syntax::Word;

/// What the block says; `None` where it says nothing.
#[derive(Default)]
pub(in crate::config) struct ConductDraft {
    down_timer_adverts: Option<DownTimerAdverts>,
    preempt_delay: Option<Duration>,
    lower_prio_no_advert: Option<bool>,
    higher_prio_send_advert: Option<bool>,
    timer_expired_backup: Option<Priority>,
    strict: Option<bool>,
    accept: Option<bool>,
    check_unicast_source: bool,
    skip_check_adv_addr: Option<bool>,
    owner_ignore_adverts: Option<bool>,
    old_unicast_checksum: Option<ChecksumV3>,
    v3_checksum_as_v2: Option<bool>,
    unicast_ttl: Option<u8>,
    peer_ttl: BTreeMap<IpAddr, RangeInclusive<u8>>,
    /// `unicast_fault_no_peer`
    pub fault_without_peer: bool,
    repeat: Option<u32>,
    delay: Option<Duration>,
    refresh: Option<Duration>,
    refresh_repeat: Option<u32>,
    lower_prio_repeat: Option<u32>,
    lower_prio_delay: Option<Duration>,
}

/// Puts the value into its place, if there is one.
fn set<T>(place: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *place = value;
    }
}

impl ConductDraft {
    /// Takes the line if it is one of these keywords.
    pub(super) fn read(&mut self, context: &mut Context, line: &Line, instance: &str) -> bool {
        let seconds = |context: &mut Context| {
            values::unsigned::<u32>(context, line, Garbage::Dropped).map(|n| Duration::from_secs(n.into()))
        };
        match line.keyword.name.as_str() {
            "down_timer_adverts" => {
                let adverts = values::unsigned(context, line, Garbage::Dropped).and_then(DownTimerAdverts::new);
                set(&mut self.down_timer_adverts, adverts);
            }
            "preempt_delay" => set(&mut self.preempt_delay, values::duration(context, line)),
            "lower_prio_no_advert" => set(&mut self.lower_prio_no_advert, values::switch(context, line)),
            "higher_prio_send_advert" => set(&mut self.higher_prio_send_advert, values::switch(context, line)),
            "timer_expired_backup" | "thread_timer_expired" => {
                let named = line.argument().is_some();
                let priority = if named { values::unsigned(context, line, Garbage::Dropped) } else { Some(254) };
                set(&mut self.timer_expired_backup, priority.map(Priority::new));
            }
            "strict_mode" => set(&mut self.strict, values::switch(context, line)),
            "accept" => self.accept = Some(true),
            "no_accept" => self.accept = Some(false),
            "check_unicast_src" => self.check_unicast_source = true,
            // keepalived turns the check off for any valid value.
            "skip_check_adv_addr" => set(&mut self.skip_check_adv_addr, values::switch(context, line)),
            "owner_ignore_adverts" => set(&mut self.owner_ignore_adverts, values::switch(context, line)),
            "old_unicast_checksum" => self.old_checksum(context, line, instance),
            "v3_checksum_as_v2" => set(&mut self.v3_checksum_as_v2, values::switch(context, line)),
            "unicast_ttl" => set(&mut self.unicast_ttl, values::unsigned(context, line, Garbage::Dropped)),
            "unicast_fault_no_peer" => self.fault_without_peer = true,
            "garp_master_delay" => set(&mut self.delay, seconds(context)),
            "garp_master_refresh" => set(&mut self.refresh, seconds(context)),
            "garp_lower_prio_delay" => set(&mut self.lower_prio_delay, seconds(context)),
            "garp_lower_prio_repeat" => {
                set(&mut self.lower_prio_repeat, values::unsigned(context, line, Garbage::Dropped));
            }
            "garp_master_repeat" => set(&mut self.repeat, at_least_one(context, line, instance)),
            "garp_master_refresh_repeat" => set(&mut self.refresh_repeat, at_least_one(context, line, instance)),
            _ => return false,
        }
        true
    }

    fn old_checksum(&mut self, context: &mut Context, line: &Line, instance: &str) {
        self.old_unicast_checksum = match line.argument() {
            None => Some(ChecksumV3::OldUnicast),
            Some(word) if word.bytes == b"never" => Some(ChecksumV3::Standard),
            Some(word) => {
                let message = format!("'{}' is not 'never'; the line is ignored", shortened(&word.text()));
                let gist = format!("({instance}) unknown old_unicast_checksum type {}", shortened(&word.text()));
                context.report(values::invalid_value(word.span, message).gist(gist));
                self.old_unicast_checksum
            }
        };
    }

    /// `min_ttl N`, `max_ttl N` after a peer; either turns the check of the sender on.
    pub(super) fn peer_options(&mut self, context: &mut Context, peer: IpAddr, options: &[Word]) {
        let (mut least, mut most) = (0, u8::MAX);
        let mut bounded = false;
        for pair in options.chunks(2) {
            let [option, value] = pair else {
                let message = format!("'{}' needs a value", shortened(&pair[0].text()));
                let gist = format!("{} is missing a value", shortened(&pair[0].text()));
                let diagnostic = Diagnostic::warning(Name::MISSING_VALUE, message).at(pair[0].span);
                context.report(diagnostic.class(ErrorClass::General).gist(gist));
                break;
            };
            let Some(ttl) = values::integer_in(context, value, 0, 255, Garbage::Dropped) else { continue };
            match option.bytes.as_slice() {
                b"min_ttl" => least = ttl as u8,
                b"max_ttl" => most = ttl as u8,
                _ => {
                    let message = format!("'{}' is no option of a peer", shortened(&option.text()));
                    let gist = format!("unknown unicast_peer option {}", shortened(&option.text()));
                    let diagnostic = Diagnostic::warning(Name::UNKNOWN_OPTION, message).at(option.span);
                    let diagnostic = diagnostic.class(ErrorClass::General).gist(gist);
                    context.report(diagnostic.help("write min_ttl N or max_ttl N"));
                    break;
                }
            }
            bounded = true;
        }
        if least > most
            && let Some(first) = options.first()
        {
            let message = format!("nothing of {peer} is taken: min_ttl {least} is above max_ttl {most}");
            let gist = format!("min_ttl {least} > max_ttl {most} - all packets will be discarded");
            let diagnostic = Diagnostic::warning(Name::NUMBER_OUT_OF_RANGE, message).at(first.span);
            context.report(diagnostic.class(ErrorClass::General).gist(gist));
        }
        if bounded {
            self.peer_ttl.insert(peer, least..=most);
        }
    }

    /// `strict_mode`, `vrrp_strict`
    pub(super) fn strict(&self, defaults: &InstanceDefaults) -> bool {
        self.strict.unwrap_or(defaults.strict)
    }

    /// What holds, with the global defaults. What does not go together has been reported elsewhere.
    pub(super) fn finish(&self, defaults: &InstanceDefaults, priority: Priority, preempts: bool) -> Conduct {
        let strict = self.strict(defaults);
        let from_defaults = Conduct::from_defaults(defaults);
        let as_v2 = self.v3_checksum_as_v2.unwrap_or(defaults.v3_checksum_as_v2);
        let own_checksum = self.old_unicast_checksum.unwrap_or_default();
        let owner = priority == Priority::OWNER;
        let delay = self.preempt_delay.filter(|_| preempts && !strict).unwrap_or_default();
        let adverts = self.down_timer_adverts.unwrap_or(from_defaults.down_timer_adverts);
        Conduct {
            down_timer_adverts: if strict { DownTimerAdverts::default() } else { adverts },
            preempt_delay: delay,
            lower_prio_no_advert: strict || self.lower_prio_no_advert.unwrap_or(from_defaults.lower_prio_no_advert),
            higher_prio_send_advert: !strict
                && self.higher_prio_send_advert.unwrap_or(from_defaults.higher_prio_send_advert),
            timer_expired_backup: self.timer_expired_backup,
            strict,
            no_accept: !owner && !self.accept.unwrap_or(!strict),
            checks: ReceiveChecks {
                sender_is_peer: self.check_unicast_source || defaults.check_unicast_source,
                peer_ttl: self.peer_ttl.clone(),
                addresses_once: self.skip_check_adv_addr.unwrap_or(defaults.skip_check_adv_addr),
                owner_ignores: self.owner_ignore_adverts.unwrap_or(defaults.owner_ignore_adverts),
            },
            checksum: if as_v2 { ChecksumV3::AsV2 } else { own_checksum },
            unicast_ttl: self.unicast_ttl,
        }
    }

    /// How the addresses are announced; after an advert of a lower priority as on becoming MASTER, if nothing is said.
    pub(super) fn garp(&self, defaults: &InstanceDefaults) -> GratuitousArp {
        let global = &defaults.garp;
        let strict = self.strict(defaults);
        // keepalived takes the global values here, not those of the instance.
        let repeat = self.lower_prio_repeat.or(global.lower_prio_repeat).unwrap_or(global.repeat.get());
        let delay = self.lower_prio_delay.or(global.lower_prio_delay).unwrap_or(global.delay);
        GratuitousArp {
            repeat: self.repeat.unwrap_or(global.repeat.get()),
            delay: self.delay.unwrap_or(global.delay),
            refresh: self.refresh.unwrap_or(global.refresh),
            refresh_repeat: self.refresh_repeat.unwrap_or(global.refresh_repeat),
            lower_prio_repeat: if strict { 0 } else { repeat },
            lower_prio_delay: if strict { Duration::ZERO } else { delay },
        }
    }
}

/// How fast addresses may be announced; nothing where nothing is slowed down.
pub(super) fn paces(global: &Global) -> Vec<AnnouncePace> {
    let garp = &global.vrrp.defaults.garp;
    let pace = AnnouncePace { interfaces: Vec::new(), garp: garp.interval, gna: garp.gna_interval };
    if pace.garp.is_zero() && pace.gna.is_zero() { Vec::new() } else { vec![pace] }
}

/// How often to repeat; 0 becomes 1.
fn at_least_one(context: &mut Context, line: &Line, instance: &str) -> Option<u32> {
    let repeat = values::unsigned::<u32>(context, line, Garbage::Dropped)?;
    if repeat == 0 {
        let name = &line.keyword.name;
        context.report(
            Diagnostic::warning(Name::NUMBER_OUT_OF_RANGE, format!("'{name} 0' is not possible; 1 is used"))
                .at(line.span())
                .class(ErrorClass::General)
                .gist(format!("({instance}): {name} must be greater than 0, setting to 1")),
        );
    }
    Some(repeat.max(1))
}
