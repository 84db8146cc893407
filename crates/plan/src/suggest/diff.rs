//! A file beside what it was, as `patch` and `git apply` read it.

use similar::TextDiff;

/// The unified diff of a file, from nothing where it is new. Empty where nothing changes.
pub(super) fn unified(path: &str, before: Option<&str>, after: &str) -> String {
    let path = path.trim_start_matches('/');
    let from = match before {
        Some(_) => format!("a/{path}"),
        None => "/dev/null".to_owned(),
    };
    TextDiff::from_lines(before.unwrap_or(""), after)
        .unified_diff()
        .context_radius(3)
        .header(&from, &format!("b/{path}"))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_comes_from_nothing() {
        assert_eq!(
            unified("x.env", None, "A=1\nB=2\n"),
            "--- /dev/null\n+++ b/x.env\n@@ -0,0 +1,2 @@\n+A=1\n+B=2\n"
        );
    }

    #[test]
    fn a_changed_line_stands_between_three_that_stay() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = before.replace('5', "five");
        let wanted = "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(unified("f", Some(before), &after), wanted);
        assert_eq!(unified("f", Some(before), before), "");
    }

    #[test]
    fn a_missing_end_of_the_last_line_is_said() {
        let patch = unified("f", Some("a"), "b\n");
        assert!(patch.contains("-a\n\\ No newline at end of file\n+b\n"), "{patch}");
    }
}
