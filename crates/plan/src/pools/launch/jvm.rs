//! Java: one process, whose pool says how many connections there are.

use super::super::calls::Call;
use super::super::told::Told;
use super::{Language, Launch, Recognised};
use crate::Number;

pub(super) fn recognise(call: &Call, _: &Told) -> Recognised {
    match call.program.as_str() {
        "flyway" | "liquibase" => Launch::short("a migration", Language::Jvm).into(),
        "java" | "catalina.sh" | "jetty.sh" | "run-java.sh" | "standalone.sh" | "mvn" | "mvnw" | "gradle"
        | "gradlew" | "sbt" => Launch::serves("java", Language::Jvm, Number::implied(1)).into(),
        _ => Recognised::Unknown,
    }
}
