//! Completions and manual pages.

use std::process::Command;

use crate::shell::Dir;

#[test]
fn every_shell_gets_completions_that_know_the_commands() {
    let dir = Dir::new("completions");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = dir.run(&["completions", shell]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell}");
        for word in ["status", "doctor", "grants", "proxy", "completions"] {
            assert!(ran.out.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(dir.run(&["completions", "cmd"]).code, 64);
    assert_eq!(dir.run(&["completions"]).code, 64);
}

#[test]
fn bash_completes_commands_and_options() {
    if Command::new("bash").arg("--version").output().is_err() {
        eprintln!("skipped: there is no bash here");
        return;
    }
    let dir = Dir::new("completions-bash");
    dir.write("done.bash", &dir.run(&["completions", "bash"]).out);
    // As the shell calls it: the words, which of them, then what was found.
    let ask = |words: &str, at: usize, current: &str, before: &str| {
        let script = format!(
            "source ./done.bash && COMP_WORDS=({words}) COMP_CWORD={at} && \
             _connwarden connwarden {current} {before} && echo \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash").args(["-c", &script]).current_dir(&dir.0).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(ask("connwarden doc", 1, "doc", "connwarden"), "doctor");
    assert_eq!(ask("connwarden doctor --pre", 2, "--pre", "doctor"), "--preset");
    assert_eq!(ask("connwarden doctor --preset st", 3, "st", "--preset"), "staging");
}

#[test]
fn each_command_has_a_page() {
    let dir = Dir::new("man");
    let main = dir.run(&["man"]);
    assert_eq!((main.code, main.err.as_str()), (0, ""));
    assert!(main.out.contains(".TH") && main.out.contains("connwarden\\-doctor(1)"), "{}", main.out);
    let ran = dir.run(&["man", "-o", "pages"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    for page in ["connwarden", "connwarden-status", "connwarden-doctor", "connwarden-config-check"] {
        let text = std::fs::read_to_string(dir.0.join(format!("pages/{page}.1"))).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{page}");
    }
    let doctor = std::fs::read_to_string(dir.0.join("pages/connwarden-doctor.1")).unwrap();
    assert!(doctor.contains("Exit codes: 0 done, whatever was found"), "{doctor}");
    dir.write("file", "");
    let ran = dir.run(&["man", "-o", "file/pages"]);
    assert!(ran.code == 2 && ran.err.contains("file/pages"), "{}", ran.err);
}
