//! Makes text of a guest harmless: it ends up on terminals, in logs and in Kubernetes Events.
//!
//! No interpretation of what it says.

/// Longest piece of guest text that is kept, bytes.
pub(crate) const LINE_BYTES: usize = 256;

/// Escapes what a terminal or a log reader could take for more than text, and cuts after 256 bytes.
///
/// Escaped are control characters (ANSI sequences start with one), the line and paragraph separators, and the
/// marks that change the direction of writing or have no width: they let a line show something else than it says.
pub fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LINE_BYTES));
    for c in text.chars() {
        let before = out.len();
        if hides(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        if out.len() > LINE_BYTES {
            out.truncate(before);
            while out.len() > LINE_BYTES - '…'.len_utf8() {
                out.pop();
            }
            out.push('…');
            break;
        }
    }
    out
}

fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_escaped() {
        assert_eq!(tame("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(tame("two\nlines\ttab"), "two\\nlines\\ttab");
        assert_eq!(tame("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(tame("grün 緑"), "grün 緑");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        for text in [
            "x".repeat(1000),
            "é".repeat(1000),
            "\u{1b}".repeat(1000),
            "緑".repeat(300),
        ] {
            let tamed = tame(&text);
            assert!(tamed.len() <= LINE_BYTES && tamed.ends_with('…'), "{tamed}");
        }
        let fits = "y".repeat(LINE_BYTES);
        assert_eq!(tame(&fits), fits);
    }
}
