//! Tells the program which commit it was built from, where that is known. Never fails, and runs again only when the
//! commit changes.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CONNWARDEN_BUILD");
    let build = std::env::var("CONNWARDEN_BUILD").ok().filter(|text| !text.is_empty());
    println!(
        "cargo::rustc-env=CONNWARDEN_BUILD={}",
        build.or_else(commit).unwrap_or_else(|| "unknown".into())
    );
}

/// `1a2b3c4, 2026-01-31`, where this file is tracked by git.
fn commit() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    // The log of HEAD grows with each commit and checkout; HEAD itself often doesn't.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["show", "--no-patch", "--format=%h, %cs", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
