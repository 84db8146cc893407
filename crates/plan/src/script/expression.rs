//! Whole numbers as pgbench's `\set` reckons with them. Everything beyond 64 bits is an error, as there.

use std::collections::BTreeMap;

use super::{Dice, is_name_char};

/// Parentheses within parentheses, at most.
const DEPTH_MAX: usize = 32;
/// Numbers, variables and calls in one expression, at most: each may be a step deeper into the tree.
const TERMS_MAX: usize = 1_000;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Number(i64),
    Variable(String),
    Negated(Box<Self>),
    Two(Box<Self>, char, Box<Self>),
    Call(Function, Vec<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Random,
    Abs,
    Greatest,
    Least,
}

impl Expression {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text, depth: 0, terms: 0 };
        let expression = reader.sum()?;
        match reader.peek() {
            None => Ok(expression),
            Some(_) => Err(format!("{:?} is not understood", reader.rest.trim())),
        }
    }

    pub(super) fn value(
        &self,
        variables: &BTreeMap<String, i64>,
        dice: &mut Dice<'_>,
    ) -> Result<i64, String> {
        let mut all = |parts: &[Self]| -> Result<Vec<i64>, String> {
            parts.iter().map(|part| part.value(variables, dice)).collect()
        };
        match self {
            Self::Number(number) => Ok(*number),
            Self::Variable(name) => {
                variables.get(name).copied().ok_or_else(|| format!("nobody has set :{name}"))
            }
            Self::Negated(part) => part.value(variables, dice)?.checked_neg().ok_or_else(too_large),
            Self::Two(left, sign, right) => {
                let (left, right) = (left.value(variables, dice)?, right.value(variables, dice)?);
                reckon(left, *sign, right)
            }
            Self::Call(function, parts) => {
                let values = all(parts)?;
                match (function, values.as_slice()) {
                    (Function::Random, [least, most]) => random(*least, *most, dice),
                    (Function::Abs, [value]) => value.checked_abs().ok_or_else(too_large),
                    (Function::Greatest, values) => Ok(values.iter().copied().max().unwrap_or(0)),
                    (Function::Least, values) => Ok(values.iter().copied().min().unwrap_or(0)),
                    (Function::Random | Function::Abs, _) => {
                        Err("a function has the wrong number of values".into())
                    }
                }
            }
        }
    }
}

fn too_large() -> String {
    "the number is larger than 64 bits hold".into()
}

fn reckon(left: i64, sign: char, right: i64) -> Result<i64, String> {
    let value = match sign {
        '+' => left.checked_add(right),
        '-' => left.checked_sub(right),
        '*' => left.checked_mul(right),
        '/' | '%' if right == 0 => return Err("division by zero".into()),
        '/' => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    value.ok_or_else(too_large)
}

fn random(least: i64, most: i64, dice: &mut Dice<'_>) -> Result<i64, String> {
    if least > most {
        return Err(format!("random({least}, {most}): the first is larger than the second"));
    }
    // All of 64 bits is a range of its own.
    let bound = most.abs_diff(least).saturating_add(1);
    Ok(least.wrapping_add_unsigned(dice(bound)))
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
    terms: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: &[char]) -> Option<char> {
        let c = self.peek().filter(|c| wanted.contains(c))?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn sum(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} parentheses within each other"));
        }
        let mut left = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            left = Expression::Two(Box::new(left), sign, Box::new(self.product()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.factor()?;
        while let Some(sign) = self.take(&['*', '/', '%']) {
            left = Expression::Two(Box::new(left), sign, Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Expression, String> {
        let mut negated = false;
        while let Some(sign) = self.take(&['-', '+']) {
            negated ^= sign == '-';
        }
        let factor = self.atom()?;
        Ok(if negated { Expression::Negated(Box::new(factor)) } else { factor })
    }

    fn atom(&mut self) -> Result<Expression, String> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(format!("more than {TERMS_MAX} values in one expression"));
        }
        if self.take(&['(']).is_some() {
            let inner = self.sum()?;
            return self.take(&[')']).map(|_| inner).ok_or_else(|| "a parenthesis is not closed".into());
        }
        if self.take(&[':']).is_some() {
            let name = self.word();
            return if name.is_empty() {
                Err("a colon without a name".into())
            } else {
                Ok(Expression::Variable(name))
            };
        }
        let word = self.word();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return word.parse().map(Expression::Number).map_err(|_| format!("{word:?} is no whole number"));
        }
        let function = match word.to_ascii_lowercase().as_str() {
            "random" => Function::Random,
            "abs" => Function::Abs,
            "greatest" => Function::Greatest,
            "least" => Function::Least,
            "" => return Err("a value is missing".into()),
            _ => return Err(format!("{word:?} is not known here")),
        };
        if self.take(&['(']).is_none() {
            return Err(format!("{word} wants parentheses"));
        }
        let mut parts = vec![self.sum()?];
        while self.take(&[',']).is_some() {
            parts.push(self.sum()?);
        }
        self.take(&[')']).ok_or("a parenthesis is not closed")?;
        let right = match function {
            Function::Random => parts.len() == 2,
            Function::Abs => parts.len() == 1,
            Function::Greatest | Function::Least => true,
        };
        if right {
            Ok(Expression::Call(function, parts))
        } else {
            Err(format!("{word} has the wrong number of values"))
        }
    }

    fn word(&mut self) -> String {
        self.peek();
        let end = self.rest.find(|c| !is_name_char(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }
}
