//! Regular expressions by PCRE2 (pcre2api(3)), looked for in pieces of a text (pcre2partial(3)).
#![allow(unsafe_code)]

use std::ptr;

use pcre2_sys::*;

/// A compiled pattern, with room for what a match tells.
pub struct Pattern {
    code: *mut pcre2_code_8,
    data: *mut pcre2_match_data_8,
    lookbehind: usize,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// A match that begins here.
    At(usize),
    /// What begins here and reaches the end of the text may become one.
    Partial(usize),
    /// Nothing.
    Nothing,
}

impl Pattern {
    /// Compiles a pattern; the reason, and the offset of what is wrong, when it is none. `options` are those of
    /// [`option`].
    pub fn new(pattern: &[u8], options: u32) -> Result<Pattern, String> {
        let (mut error, mut offset) = (0, 0);
        // SAFETY: the pattern is as long as is told, and the places for an error are ours.
        let code = unsafe {
            pcre2_compile_8(pattern.as_ptr(), pattern.len(), options, &mut error, &mut offset, ptr::null_mut())
        };
        if code.is_null() {
            let mut text = [0u8; 256];
            // SAFETY: the buffer is as long as is told; a text that does not fit is cut.
            let length = unsafe { pcre2_get_error_message_8(error, text.as_mut_ptr(), text.len()) };
            let length = usize::try_from(length).unwrap_or(0).min(text.len());
            return Err(format!("{} at offset {offset}", String::from_utf8_lossy(&text[..length])));
        }
        let mut lookbehind: u32 = 0;
        // SAFETY: a compiled pattern; the item is a 32-bit number. The data belongs to the value made of it.
        let data = unsafe {
            pcre2_pattern_info_8(code, PCRE2_INFO_MAXLOOKBEHIND, (&raw mut lookbehind).cast());
            // Without it matching is slower, no more.
            pcre2_jit_compile_8(code, PCRE2_JIT_PARTIAL_HARD);
            pcre2_match_data_create_from_pattern_8(code, ptr::null_mut())
        };
        let pattern = Pattern { code, data, lookbehind: lookbehind as usize };
        if data.is_null() { Err("there is no memory for a match".to_owned()) } else { Ok(pattern) }
    }

    /// How many characters before a match the pattern looks at.
    pub fn lookbehind(&self) -> usize {
        self.lookbehind
    }

    /// The first match in `text` at `from` or later. A match that more text could change is a partial one.
    pub fn find(&mut self, text: &[u8], from: usize) -> Match {
        if from > text.len() {
            return Match::Nothing;
        }
        // SAFETY: pattern and data are live, the text is as long as is told and `from` is within it; the vector has at
        // least the two numbers of the whole match, which success and a partial match set.
        unsafe {
            let found = pcre2_match_8(
                self.code,
                text.as_ptr(),
                text.len(),
                from,
                PCRE2_PARTIAL_HARD,
                self.data,
                ptr::null_mut(),
            );
            let start = || *pcre2_get_ovector_pointer_8(self.data);
            match found {
                0.. => Match::At(start()),
                PCRE2_ERROR_PARTIAL => Match::Partial(start()),
                _ => Match::Nothing,
            }
        }
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        // SAFETY: both are ours, or null, and not used after this.
        unsafe {
            pcre2_match_data_free_8(self.data);
            pcre2_code_free_8(self.code);
        }
    }
}

/// The bit of an option, by the name that keepalived gives it.
pub fn option(name: &str) -> u32 {
    match name {
        "allow_empty_class" => PCRE2_ALLOW_EMPTY_CLASS,
        "alt_bsux" => PCRE2_ALT_BSUX,
        "alt_circumflex" => PCRE2_ALT_CIRCUMFLEX,
        "alt_verbnames" => PCRE2_ALT_VERBNAMES,
        "auto_callout" => PCRE2_AUTO_CALLOUT,
        "caseless" => PCRE2_CASELESS,
        "dollar_endonly" => PCRE2_DOLLAR_ENDONLY,
        "dotall" => PCRE2_DOTALL,
        "dupnames" => PCRE2_DUPNAMES,
        "extended" => PCRE2_EXTENDED,
        "firstline" => PCRE2_FIRSTLINE,
        "match_unset_backref" => PCRE2_MATCH_UNSET_BACKREF,
        "multiline" => PCRE2_MULTILINE,
        "never_backslash_c" => PCRE2_NEVER_BACKSLASH_C,
        "never_ucp" => PCRE2_NEVER_UCP,
        "never_utf" => PCRE2_NEVER_UTF,
        "no_auto_capture" => PCRE2_NO_AUTO_CAPTURE,
        "no_auto_possess" => PCRE2_NO_AUTO_POSSESS,
        "no_dotstar_anchor" => PCRE2_NO_DOTSTAR_ANCHOR,
        "no_start_optimize" => PCRE2_NO_START_OPTIMIZE,
        "ucp" => PCRE2_UCP,
        "ungreedy" => PCRE2_UNGREEDY,
        "use_offset_limit" => PCRE2_USE_OFFSET_LIMIT,
        "utf" => PCRE2_UTF,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &str, options: &[&str], text: &str, from: usize) -> Match {
        let options = options.iter().map(|name| option(name)).fold(0, |all, one| all | one);
        Pattern::new(pattern.as_bytes(), options).expect("a pattern").find(text.as_bytes(), from)
    }

    #[test]
    fn a_match_a_partial_one_and_none_are_told_apart() {
        assert_eq!(find("bo+dy", &[], "xx body", 0), Match::At(3));
        assert_eq!(find("bo+dy", &[], "xx boo", 0), Match::Partial(3));
        assert_eq!(find("bo+dy", &[], "xx bad", 0), Match::Nothing);
        assert_eq!(find("x", &[], "xyx", 1), Match::At(2));
        assert_eq!(find("x", &[], "xyx", 9), Match::Nothing);
    }

    #[test]
    fn options_are_those_of_pcre2() {
        assert_eq!(find("BODY", &["caseless"], "body", 0), Match::At(0));
        assert_eq!(find("a.b", &[], "a\nb", 0), Match::Nothing);
        assert_eq!(find("a.b", &["dotall"], "a\nb", 0), Match::At(0));
        assert_eq!(find("b o d y", &["extended", "caseless"], "BODY", 0), Match::At(0));
        for known in crate::model::check::RegexOption::ALL {
            assert_ne!(option(known.name()), 0, "{}", known.name());
        }
    }

    #[test]
    fn lookbehind_is_known_and_a_bad_pattern_is_a_reason() {
        assert_eq!(Pattern::new(b"(?<=abc)d", 0).expect("a pattern").lookbehind(), 3);
        let reason = Pattern::new(b"a(b", 0).err().expect("a reason");
        assert!(reason.ends_with("at offset 3"), "{reason}");
    }

    #[test]
    fn a_pattern_without_end_comes_to_one() {
        let text = "a".repeat(4000);
        assert_ne!(find("(a+)+$b", &[], &text, 0), Match::At(0));
    }
}
