//! How deep a policy file may be nested. The reader of policies calls itself for each bracket and each `if`, so that a
//! file of nothing but brackets would end the program: such a file is refused before it is read.

/// Longest policy file, in bytes: with all the chains of `&&` that fit, it can still be read.
const LONGEST: usize = 256 * 1024;
/// Deepest nesting of brackets.
const DEEPEST: usize = 32;
/// Most `if`s in one policy, since each may stand in the one before.
const MOST_CHOICES: usize = 100;

/// The line on which a policy text goes too deep, and what is wrong there; 0 where it is the file as a whole.
pub(super) fn too_deep(text: &str) -> Option<(usize, String)> {
    if text.len() > LONGEST {
        return Some((0, format!("the policies have {} bytes; at most {LONGEST} are read", text.len())));
    }
    let (mut depth, mut choices) = (0_usize, 0_usize);
    // A text may go on for several lines.
    let mut in_string = false;
    for (n, line) in text.lines().enumerate() {
        let mut word = String::new();
        let mut signs = line.chars().peekable();
        while let Some(sign) = signs.next() {
            if in_string {
                match sign {
                    '\\' => drop(signs.next()),
                    '"' => in_string = false,
                    _ => {}
                }
                continue;
            }
            match sign {
                '"' => in_string = true,
                '/' if signs.peek() == Some(&'/') => break,
                '(' | '[' | '{' => depth = depth.saturating_add(1),
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                ';' => (depth, choices) = (0, 0),
                _ => {}
            }
            let in_word = sign.is_ascii_alphanumeric() || sign == '_';
            if in_word {
                word.push(sign);
            }
            let ends = !in_word || signs.peek().is_none();
            if ends && std::mem::take(&mut word) == "if" {
                choices = choices.saturating_add(1);
            }
            if depth > DEEPEST {
                return Some((n.saturating_add(1), format!("brackets stand more than {DEEPEST} deep in each other")));
            }
            if choices > MOST_CHOICES {
                return Some((n.saturating_add(1), format!("one policy has more than {MOST_CHOICES} `if`s")));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_deeper_than_anybody_writes_is_told_with_its_line() {
        let deep = |open: &str| format!("permit (principal, action, resource)\nwhen {{ {} }};", open.repeat(10_000));
        for open in ["(", "[", "{a:", "if true then ", "((a)(", "if(a)then(b)else "] {
            assert_eq!(too_deep(&deep(open)).map(|(line, _)| line), Some(2), "{open}");
        }
        assert_eq!(too_deep(&" ".repeat(LONGEST + 1)).map(|(line, _)| line), Some(0));
    }

    #[test]
    fn brackets_in_texts_and_notes_and_those_that_close_again_are_none() {
        let wide = "permit (principal, action in [Action::\"a\"], resource) when { if true then (true) else false };\n";
        assert_eq!(too_deep(&wide.repeat(1_000)), None);
        assert_eq!(too_deep(&format!("// {}\n@id(\"{}\\\"(\")", "(".repeat(100), "(".repeat(100))), None);
        assert_eq!(too_deep(&"()[]{}".repeat(1_000)), None);
        assert_eq!(too_deep(&format!("@id(\"a\n{}\")", "(".repeat(100))), None);
        assert_eq!(too_deep(&"gif iffy ".repeat(1_000)), None);
    }
}
