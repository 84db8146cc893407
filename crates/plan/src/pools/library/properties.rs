//! Settings of Java programs, wherever they stand: variables, `-D` and `--` arguments, JAVA_OPTS, application.properties,
//! application.yaml. Names are compared by their letters and digits alone, as Spring's relaxed binding does.

use crate::pools::told::Told;
use crate::pools::{lines, words};
use crate::yaml::{self, Node};
use crate::{Number, Place, Text};

const OPTION_VARIABLES: [&str; 6] = [
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "JAVA_OPTIONS",
    "CATALINA_OPTS",
    "JAVA_OPTS_APPEND",
];

/// Maps in maps of a YAML file.
const DEPTH_MAX: u32 = 16;

/// The number of the first of these properties that is set, the names in dotted spelling.
pub(super) fn number(told: &Told, arguments: &[Text], names: &[&str]) -> Option<Number> {
    names.iter().find_map(|name| {
        let (text, place) = text(told, arguments, name)?;
        told.number(&placeholder(&text), &place, name)
    })
}

fn text(told: &Told, arguments: &[Text], name: &str) -> Option<(String, Place)> {
    let wanted = plain(name);
    let of_argument = |word: &Text| {
        let pair = word.text.strip_prefix("-D").or_else(|| word.text.strip_prefix("--"))?;
        let (key, value) = pair.split_once('=')?;
        (plain(key) == wanted).then(|| (value.to_owned(), word.place.clone()))
    };
    let options = OPTION_VARIABLES.iter().filter_map(|name| told.given(&[name]));
    let options = options.flat_map(|given| words::split(&Text::new(given.text, given.place.clone())));
    let of_variable = || {
        let given = told.values().find(|given| plain(given.name) == wanted)?;
        Some((given.text.to_owned(), given.place.clone()))
    };
    let found = arguments.iter().rev().find_map(of_argument);
    let found = found.or_else(|| options.collect::<Vec<_>>().iter().rev().find_map(of_argument));
    found.or_else(of_variable).or_else(|| of_files(told, &wanted))
}

fn of_files(told: &Told, wanted: &str) -> Option<(String, Place)> {
    let of_properties = told.files(|path| path.ends_with(".properties")).find_map(|(_, file)| {
        let pairs = lines::pairs(file);
        let pair = pairs.iter().rev().find(|pair| plain(pair.key) == *wanted)?;
        Some((pair.value.to_owned(), pair.place.clone()))
    });
    let named = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or("");
        name.starts_with("application") && (name.ends_with(".yml") || name.ends_with(".yaml"))
    };
    of_properties.or_else(|| {
        told.files(named).find_map(|(_, file)| {
            let documents = yaml::documents(&file.place.file, &file.text).ok()?;
            let (text, place) = documents.iter().find_map(|node| of_node(node, wanted, 0))?;
            let inside = file.place.line > 1;
            Some((text, if inside { file.place.clone() } else { place }))
        })
    })
}

fn of_node(node: &Node, wanted: &str, depth: u32) -> Option<(String, Place)> {
    if depth > DEPTH_MAX {
        return None;
    }
    node.pairs().iter().find_map(|(key, value)| {
        let rest = wanted.strip_prefix(&plain(&key.text))?;
        match (rest.is_empty(), value.word()) {
            (true, Some(word)) => Some((word.text, word.place)),
            _ => of_node(value, rest, depth + 1),
        }
    })
}

/// `${DB_POOL:20}` as a shell would write it.
fn placeholder(text: &str) -> String {
    match text.strip_prefix("${").filter(|rest| !rest.contains(":-")).and_then(|rest| rest.split_once(':')) {
        Some((name, fallback)) => format!("${{{name}:-{fallback}"),
        None => text.to_owned(),
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}
