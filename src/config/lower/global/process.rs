//! `…process_name`, `…_priority`, `…_no_swap`, `…_rt_priority`, `…_rlimit_rttime`, `…_cpu_affinity` and
//! `…_auto_priority…`.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::context::Context;
use crate::config::cursor::{Line, shortened};
use crate::config::values::{self, Garbage};
use crate::diagnostic::{Diagnostic, ErrorClass, Name};
use crate::model::{AutomaticLimit, Nice, ProcessSettings, Processes, RealtimePriority, TaskName};
use crate::syntax::Word;

use super::read::{number, set};

/// Longest name of a process (`TASK_COMM_LEN` − 1, linux/sched.h).
const LONGEST_NAME: usize = 15;
/// What `process_names` calls the processes.
const NAMES: [&str; 3] = ["keepalived_vrrp", "keepalived_lvs", "keepalived_bfd"];
/// Highest priority under SCHED_RR (sched(7)).
const HIGHEST: i128 = 99;

/// Takes the line if it is about processes.
pub(super) fn read(context: &mut Context, processes: &mut Processes, line: &Line) -> bool {
    match line.keyword.name.as_str() {
        "process_names" => {
            let all = [&mut processes.vrrp, &mut processes.checker, &mut processes.bfd];
            for (process, name) in all.into_iter().zip(NAMES) {
                process.name = TaskName::new(name);
            }
        }
        "process_name" => processes.name = name(context, line),
        "lvs_process_name" => processes.checker.name = name(context, line),
        "max_auto_priority" => match line.argument() {
            None => processes.automatic.most = AutomaticLimit::Priority(RealtimePriority::clamped(HIGHEST)),
            Some(_) => set(&mut processes.automatic.most, values::integer(context, line, Garbage::Dropped).map(limit)),
        },
        "min_auto_priority_delay" => {
            set(&mut processes.automatic.lateness, number(context, line).map(Duration::from_micros));
        }
        other => {
            let Some((process, setting)) = other.split_once('_') else { return false };
            let process = match process {
                "vrrp" => &mut processes.vrrp,
                "checker" => &mut processes.checker,
                "bfd" => &mut processes.bfd,
                _ => return false,
            };
            return of_process(context, process, setting, line);
        }
    }
    true
}

fn limit(priority: i128) -> AutomaticLimit {
    match priority {
        ..0 => AutomaticLimit::Silent,
        0 => AutomaticLimit::Off,
        _ => AutomaticLimit::Priority(RealtimePriority::clamped(priority)),
    }
}

fn of_process(context: &mut Context, process: &mut ProcessSettings, setting: &str, line: &Line) -> bool {
    match setting {
        "process_name" => process.name = name(context, line),
        "priority" => {
            let nice = values::integer(context, line, Garbage::Dropped).and_then(|nice| Nice::new(nice as i8));
            process.nice = nice.unwrap_or_default();
        }
        "no_swap" => process.locked = true,
        "rt_priority" => process.realtime = realtime(context, line).or(process.realtime),
        "rlimit_rttime" | "rlimit_rtime" => {
            // The kernel gets half of it as its soft limit, which must not be 0.
            let limit = number(context, line).map(|limit: u32| limit.max(2)).and_then(NonZeroU32::new);
            set(&mut process.realtime_limit, limit);
        }
        "cpu_affinity" => set(&mut process.processors, processors(context, line)),
        _ => return false,
    }
    true
}

fn name(context: &mut Context, line: &Line) -> Option<TaskName> {
    let word = line.argument()?;
    let text = word.text();
    if word.bytes.len() > LONGEST_NAME {
        let gist = format!("Process name {} more than {LONGEST_NAME} characters, truncating", shortened(&text));
        let message = format!("the name of a process has at most {LONGEST_NAME} characters; the rest is cut off");
        context.report(complaint(Name::INVALID_VALUE, word, message).gist(gist));
    }
    let end = (0..=LONGEST_NAME.min(text.len())).rev().find(|end| text.is_char_boundary(*end))?;
    TaskName::new(&text[..end])
}

/// What is out of range becomes the nearest priority, with a complaint.
fn realtime(context: &mut Context, line: &Line) -> Option<RealtimePriority> {
    let word = line.argument()?;
    let priority = values::integer_in(context, word, i32::MIN.into(), i32::MAX.into(), Garbage::Dropped)?;
    if !(1..=HIGHEST).contains(&priority) {
        let (what, bound, edge) = if priority < 1 {
            ("less than minimum", 1, "minimum")
        } else {
            ("greater than maximum", HIGHEST, "maximum")
        };
        let process = line.keyword.name.split('_').next().unwrap_or_default();
        let gist = format!("{process} process real-time priority {priority} {what} {bound} - setting to {edge}");
        let message = format!("{priority} is not within 1 to {HIGHEST}; {bound} is used");
        context.report(complaint(Name::NUMBER_OUT_OF_RANGE, word, message).gist(gist));
    }
    Some(RealtimePriority::clamped(priority))
}

/// Every processor of the line, or none of them.
fn processors(context: &mut Context, line: &Line) -> Option<Vec<u16>> {
    let online = context.host.map_or(u16::MAX, |host| host.processors());
    let last = i128::from(online.saturating_sub(1));
    let numbers = line.arguments.iter().map(|word| values::integer_in(context, word, 0, last, Garbage::Dropped));
    numbers.map(|number| number.and_then(|number| u16::try_from(number).ok())).collect()
}

fn complaint(name: Name, word: &Word, message: String) -> Diagnostic {
    Diagnostic::warning(name, message).at(word.span).class(ErrorClass::General)
}
