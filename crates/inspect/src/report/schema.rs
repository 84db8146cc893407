//! The JSON schemas of all reports, from the types that are written out.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    CloseReport, DoctorReport, ExplainReport, FailureReport, HealthReport, StatusReport, WatchReport,
};

/// Every report: what `schema` says in it, and its JSON schema. A new report gets a line here, and with it a file below
/// `docs/schema/`.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        schema_of::<CloseReport>(CloseReport::SCHEMA),
        schema_of::<DoctorReport>(DoctorReport::SCHEMA),
        schema_of::<ExplainReport>(ExplainReport::SCHEMA),
        schema_of::<FailureReport>("connwarden.error/1"),
        schema_of::<HealthReport>(HealthReport::SCHEMA),
        schema_of::<StatusReport>(StatusReport::SCHEMA),
        schema_of::<WatchReport>(WatchReport::SCHEMA),
    ]
}

/// The JSON schema of one report, its name the only value of `schema`.
pub fn schema_of<T: JsonSchema>(name: &'static str) -> (&'static str, Value) {
    // What is left out when it is empty is not required.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(name));
    if let Some(said) = schema.pointer_mut("/properties/schema") {
        *said = json!({ "const": name });
    }
    (name, schema.to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_report_says_which_it_is_and_asks_for_it() {
        for (name, schema) in schemas() {
            assert_eq!(schema["properties"]["schema"]["const"], name);
            let required = schema["required"].as_array().unwrap();
            assert!(required.iter().any(|key| key == "schema"), "{name}");
        }
    }

    #[test]
    fn what_may_be_left_out_is_not_required() {
        let (_, schema) = schema_of::<StatusReport>("x");
        let required = schema["required"].as_array().unwrap();
        assert!(!required.iter().any(|key| key == "sessions"), "{required:?}");
        assert!(required.iter().any(|key| key == "groups"), "{required:?}");
    }
}
