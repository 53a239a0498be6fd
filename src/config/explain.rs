//! `alived explain`: the page of a diagnostic, or what the grammar says about a keyword.

use crate::diagnostic::{ALL_NAMES, NAMES_ACROSS_NODES, page};
use crate::schema::{self, Block, Keyword, Missing, ROOT, Status};

/// The page or the rows.
///
/// # Errors
/// A sentence that there is no such thing, with what may have been meant.
pub fn explain(word: &str) -> Result<String, String> {
    if let Some(name) = ALL_NAMES.iter().chain(NAMES_ACROSS_NODES).find(|name| name.as_str() == word) {
        return page(*name).map(str::to_owned).ok_or_else(|| format!("{name} has no page"));
    }
    let rows = schema::keepalived().blocks().iter().flat_map(|block| {
        let words = block.words.iter().filter(|keyword| keyword.name == word).map(|keyword| row(block, keyword, true));
        block.keyword(word.as_bytes()).map(|keyword| row(block, keyword, false)).into_iter().chain(words)
    });
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() { Err(unknown(word)) } else { Ok(rows.join("\n")) }
}

fn row(block: &Block, keyword: &Keyword, in_line: bool) -> String {
    let place = match (block.path.as_str(), in_line) {
        (ROOT, _) => "outside every block".to_owned(),
        (path, false) => format!("in {path}"),
        (path, true) => format!("in a line of {path}"),
    };
    let mut text = format!("{} ({place})\n", keyword.name);
    let mut line = |what: &str, value: &str| text.push_str(&format!("    {what:<10}{value}\n"));
    line("takes", &schema::value_text(keyword));
    if let Some(default) = &keyword.default {
        line("default", default);
    }
    match keyword.missing {
        Missing::Exits if !in_line => line("alone", "keepalived stops reading and exits with status 2"),
        Missing::Complains => line("alone", "keepalived complains and goes on"),
        _ => {}
    }
    line(
        "in alived",
        match (keyword.status, &keyword.denies) {
            (Status::Planned, Some(_)) => "not supported yet: such a file is refused",
            (Status::Planned, None) => "checked, not effective yet",
            (Status::Effective, _) => "effective",
            (Status::NoEffect, _) => "without effect, in keepalived too",
            (Status::Removed, _) => "unknown, as keepalived dropped it",
        },
    );
    if let Some(since) = keyword.since {
        line("since", &since.to_string());
    }
    if let Some(library) = &keyword.build {
        line("build", &format!("only where keepalived is built with {library}"));
    }
    if keyword.once {
        line("twice", "a second one is ignored with a complaint");
    }
    if let Some(other) = keyword.replaced.as_ref().or(keyword.renamed.as_ref()) {
        line("now", other);
    }
    text
}

fn unknown(word: &str) -> String {
    let keywords = schema::keepalived().blocks().iter().flat_map(|block| &block.keywords);
    let known = ALL_NAMES
        .iter()
        .chain(NAMES_ACROSS_NODES)
        .map(|name| name.as_str())
        .chain(keywords.map(|keyword| keyword.name.as_str()));
    let distance = |known: &&str| strsim::damerau_levenshtein(known, word);
    let closest = known.min_by_key(distance).filter(|known| distance(known) <= (word.chars().count() / 3).max(1));
    match closest {
        Some(known) => format!("there is no diagnostic or keyword '{word}'; did you mean '{known}'?"),
        None => format!("there is no diagnostic or keyword '{word}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_explained_for_every_block_that_knows_it() {
        let text = explain("priority").expect("a keyword");
        assert!(text.starts_with("priority (in vrrp_instance)\n    takes     1 to 255\n"), "{text}");
        assert!(explain("connect_timeout").expect("a keyword").matches("connect_timeout (in ").count() > 3);
    }

    #[test]
    fn a_diagnostic_is_explained_by_its_page() {
        let text = explain("duplicate-vrid").expect("a diagnostic");
        assert!(text.starts_with("# duplicate-vrid\n"), "{text}");
    }

    #[test]
    fn a_word_that_is_almost_right_is_recognised() {
        assert!(explain("priorty").is_err_and(|text| text.contains("did you mean 'priority'?")));
        assert!(explain("zzzzzzzz").is_err_and(|text| !text.contains("mean")));
    }
}
