//! Node and its like.

use super::super::calls::Call;
use super::super::told::Told;
use super::super::{literal, options};
use super::{Language, Launch, Recognised, Span};
use crate::Number;

pub(super) fn recognise(call: &Call, told: &Told) -> Recognised {
    match call.program.as_str() {
        "pm2" | "pm2-runtime" | "pm2-docker" => pm2(call, told),
        "prisma"
        | "knex"
        | "sequelize"
        | "sequelize-cli"
        | "typeorm"
        | "typeorm-ts-node-commonjs"
        | "drizzle-kit"
        | "node-pg-migrate"
        | "db-migrate"
        | "mikro-orm" => Launch::short("a migration", Language::Node).into(),
        "npm" | "pnpm" | "yarn" | "bun" | "deno" if migrates(call) => {
            Launch::short("a migration", Language::Node).into()
        }
        "npm" | "pnpm" | "yarn" if ["install", "ci", "build"].iter().any(|word| call.says(word)) => {
            Recognised::Silent
        }
        // Of another image `serve` is what its own program is told to do.
        "serve" if told.image_name().starts_with("node") => Recognised::Silent,
        "http-server" | "vite" => Recognised::Silent,
        "next" | "nest" | "nuxt" | "remix-serve" | "medusa" | "strapi" | "directus" => server("node").into(),
        "node" | "nodejs" | "bun" | "deno" | "ts-node" | "tsx" | "nodemon" | "ts-node-dev" | "npm"
        | "pnpm" | "yarn" => server("node").into(),
        program if [".js", ".mjs", ".cjs", ".ts"].iter().any(|end| program.ends_with(end)) => {
            server("node").into()
        }
        _ => Recognised::Unknown,
    }
}

/// `npm run db:migrate`, `yarn migrate`.
fn migrates(call: &Call) -> bool {
    call.operands().any(|word| word.contains("migrat") || word.starts_with("db:") || word == "prisma")
}

fn server(program: &'static str) -> Launch {
    let why = "one process of node: whether it forks others (cluster) is not seen";
    Launch { life: Span::Runs, ..Launch::serves(program, Language::Node, Number::assumed(1, why)) }
}

fn pm2(call: &Call, told: &Told) -> Recognised {
    if call.says("stop") || call.says("list") || call.says("install") {
        return Recognised::Silent;
    }
    let all_cores = |text: &str, place: &crate::Place| match text.trim_matches(['"', '\'']) {
        "max" | "0" => told.number("$(nproc)", place, "pm2's instances"),
        "-1" => told.number("$(( $(nproc) - 1 ))", place, "pm2's instances"),
        text => told.number(text, place, "pm2's instances"),
    };
    let option = options::value(&call.words, &["-i", "--instances"])
        .and_then(|text| all_cores(&text.text, &text.place));
    let of_file = || {
        let named = call.operands().find(|word| word.contains("config") || word.ends_with(".json"))?;
        let (text, place) = literal::entry(told.file(named)?, "instances")?;
        all_cores(text, &place)
    };
    let processes = option.or_else(of_file).unwrap_or_else(|| {
        Number::assumed(1, "pm2 runs one instance: -i is not set, and instances in its file is not seen")
    });
    Launch::serves("pm2", Language::Node, processes).into()
}
