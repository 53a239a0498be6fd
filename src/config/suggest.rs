//! What may have been meant by a word that is no keyword here: in words, and as a change where that is another spelling.

use crate::diagnostic::Fix;
use crate::schema::{self, Keyword, ROOT, Status};
use crate::syntax::{Statement, Word};

/// No keyword is longer, with room for a typing error; comparing longer words would only take time.
const LONGEST_KEYWORD: usize = 48;

/// Words that people write, and what keepalived calls the thing, for the block that has it.
const ALIASES: [(&str, &str); 12] = [
    ("lvs_id", "router_id"),
    ("script_security", "enable_script_security"),
    ("nb_get_retry", "retry"),
    ("nb_sock_retry", "retry"),
    ("vrid", "virtual_router_id"),
    ("vip", "virtual_ipaddress"),
    ("prio", "priority"),
    ("password", "auth_pass"),
    ("unicast_peers", "unicast_peer"),
    ("scheduler", "lvs_sched"),
    ("forwarding", "lvs_method"),
    ("check_interval", "delay_loop"),
];

/// Words of other programs that share the syntax: DPVS and its like. keepalived has nothing of the kind.
const FOREIGN: [&str; 5] = ["local_address_group", "laddr_group_name", "dpdk_interface", "oif", "netif_defs"];

/// What is said, and the change that makes it true.
pub(super) type Suggestion = (String, Option<Fix>);

/// About a statement of the block at `path` that begins with a word which the block does not know.
pub(super) fn suggestion(path: &str, statement: &Statement, word: &Word) -> Option<Suggestion> {
    if word.bytes.len() > LONGEST_KEYWORD {
        return None;
    }
    let text = word.text();
    no_line_of_its_own(statement, word, &text)
        .or_else(|| other_name(path, word, &text))
        .or_else(|| other_place(path, word, &text))
        .or_else(|| other_spelling(path, word, &text))
        .or_else(|| foreign(&text))
}

/// Comments of other languages, and a line that was to go on.
fn no_line_of_its_own(statement: &Statement, word: &Word, text: &str) -> Option<Suggestion> {
    for mark in ["//", ";", "--", "/*"] {
        if text.starts_with(mark) {
            let first = crate::source::Span { end: word.span.start + mark.len() as u32, ..word.span };
            let fix = (!word.quoted && statement.block.is_none()).then(|| Fix::replace(first, "#").proposed());
            return Some(("a comment begins with '#' or '!'".to_owned(), fix));
        }
    }
    (text == "\\").then(|| ("a line ends where it ends: '\\' goes on with definitions only".to_owned(), None))
}

fn other_name(path: &str, word: &Word, text: &str) -> Option<Suggestion> {
    let block = schema::keepalived().block(path)?;
    let (_, name) = ALIASES.iter().find(|(alias, name)| *alias == text && block.keyword(name.as_bytes()).is_some())?;
    Some((format!("keepalived calls that '{name}'"), Some(Fix::replace(word.span, *name).proposed())))
}

fn other_place(path: &str, word: &Word, text: &str) -> Option<Suggestion> {
    let place = |path: &str| if path == ROOT { "outside every block".to_owned() } else { format!("in {path}") };
    let homes: Vec<&str> = schema::keepalived().homes_of(&word.bytes).collect();
    // Of several the one that is nearest to here.
    let common = |home: &&&str| home.split('.').zip(path.split('.')).take_while(|(a, b)| a == b).count();
    let home = homes.iter().rev().max_by_key(common)?;
    Some((format!("'{text}' belongs {}, not {}", place(home), place(path)), None))
}

fn other_spelling(path: &str, word: &Word, text: &str) -> Option<Suggestion> {
    let block = schema::keepalived().block(path)?;
    let (bare, assignment) = match text.split_once(['=', ':']) {
        Some((name, "")) => (name, true),
        Some((name, _)) if block.keyword(name.as_bytes()).is_some() => {
            return Some((format!("put a blank between '{name}' and its value"), None));
        }
        _ => (text, false),
    };
    let lower = bare.to_ascii_lowercase();
    let distance = |keyword: &&Keyword| strsim::damerau_levenshtein(&keyword.name.to_ascii_lowercase(), &lower);
    let known = block.keywords.iter().filter(|keyword| keyword.status != Status::Removed);
    let closest = known.min_by_key(distance)?;
    // A word whose end was left out, or one with something added, is near whatever its length.
    let cut = |long: &str, short: &str| short.len() >= 4 && long.starts_with(short);
    let near = distance(&closest) <= (lower.chars().count() / 3).max(1);
    let fix = |keyword: &Keyword| Some(Fix::replace(word.span, &keyword.name).proposed());
    if near {
        let help = match assignment {
            true => format!("did you mean '{}'? There is only a blank between a keyword and its value", closest.name),
            false => format!("did you mean '{}'?", closest.name),
        };
        return Some((help, fix(closest)));
    }
    let mut begun = block.keywords.iter().filter(|keyword| cut(&keyword.name, &lower) || cut(&lower, &keyword.name));
    let only = begun.next().filter(|_| begun.next().is_none())?;
    Some((format!("did you mean '{}'?", only.name), fix(only)))
}

fn foreign(text: &str) -> Option<Suggestion> {
    FOREIGN.contains(&text).then(|| {
        let help = "this is a keyword of DPVS, another program with this syntax; keepalived has nothing like it";
        (help.to_owned(), None)
    })
}
