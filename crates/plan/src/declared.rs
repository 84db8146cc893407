//! The plan file, `connwarden-plan.toml`: what no deployment shows, and what it shows wrongly.
