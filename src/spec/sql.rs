//! SQL text → a typed tree: every node's type is known before any data is read. Owns the accepted grammar; refuses
//! whatever could mean different things in Polars, DuckDB and Spark. Never knows an engine.

mod aggregates;
mod carry;
mod cast;
mod draft;
mod fault;
mod functions;
mod money;
mod operators;

use std::collections::BTreeSet;

use sqlparser::ast::{BinaryOperator, Expr as Ast, Ident, ObjectNamePart, UnaryOperator, Value};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token};

use super::expr::{Expr, Function, Kind};
use super::{AS_OF, Scope, did_you_mean};
use crate::value::Type;

use carry::{refuse_money, refuse_undeclared};
use draft::{Draft, Grain, join, literal, number, typed_literal};
use operators::{binary, check_bool, comparison, unify};

pub use fault::{Fault, SqlError};

/// A checked expression, with its SQL and the columns it uses.
#[derive(Debug, Clone)]
pub struct Typed {
    pub sql: String,
    pub expr: Expr,
    /// The columns that it uses, sorted.
    pub columns: BTreeSet<String>,
}

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// One value per row.
    Row,
    /// One value per customer, from many rows.
    Aggregate,
}

type Checked<T> = Result<T, SqlError>;

/// Longest expression, in bytes, and deepest nesting: a longer or deeper one could exhaust the stack.
const LONGEST: usize = 32 * 1024;
const DEEPEST: usize = 200;

/// Checks one expression.
pub fn check(text: &str, scope: &Scope, context: Context) -> Checked<Typed> {
    if text.len() > LONGEST {
        return Err(Fault::TooLong(LONGEST).into());
    }
    let mut parser = Parser::new(&DuckDbDialect {}).try_with_sql(text).map_err(syntax)?;
    let ast = parser.parse_expr().map_err(syntax)?;
    let rest = parser.next_token();
    if rest.token != Token::EOF {
        return Err(SqlError::from(Fault::Trailing(rest.token.to_string())).or_at(rest.span.start));
    }
    let mut checker = Checker { scope, context, in_aggregate: false, depth: 0 };
    let draft = checker.draft(&ast)?;
    if draft.ty.is_none() {
        return Err(Fault::OnlyNull.into());
    }
    if context == Context::Aggregate && draft.grain != Grain::Aggregate {
        return Err(Fault::AggregateNeeded(text.to_owned()).into());
    }
    let expr = draft.into_expr();
    Ok(Typed { sql: text.to_owned(), columns: expr.columns(), expr })
}

fn syntax(error: ParserError) -> SqlError {
    Fault::Syntax(error.to_string()).into()
}

/// Where the smallest parts of an expression begin. For larger ones none is given: finding it could mean to descend
/// thousands of levels.
fn place(ast: &Ast) -> Option<Location> {
    match ast {
        Ast::Identifier(name) => Some(name.span.start),
        Ast::Value(value) => Some(value.span.start),
        Ast::Function(function) => match function.name.0.first()? {
            ObjectNamePart::Identifier(name) => Some(name.span.start),
            ObjectNamePart::Function(_) => None,
        },
        _ => None,
    }
}

impl Typed {
    pub fn ty(&self) -> Type {
        self.expr.ty
    }
}

struct Checker<'a> {
    scope: &'a Scope,
    context: Context,
    in_aggregate: bool,
    depth: usize,
}

impl Checker<'_> {
    /// Checks one node of the syntax tree and counts how deep it is.
    fn draft(&mut self, ast: &Ast) -> Checked<Draft> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::TooDeep(DEEPEST).into());
        }
        let draft = self.draft_inside(ast).map_err(|error| match place(ast) {
            Some(at) => error.or_at(at),
            None => error,
        });
        self.depth -= 1;
        draft
    }

    fn draft_inside(&mut self, ast: &Ast) -> Checked<Draft> {
        match ast {
            Ast::Identifier(name) => self.column(name),
            Ast::Value(value) => literal(&value.value),
            Ast::TypedString(typed) => typed_literal(typed),
            Ast::Nested(inner) => self.draft(inner),
            Ast::BinaryOp { left, op, right } => {
                let (left, right) = (self.draft(left)?, self.draft(right)?);
                self.sides(&left, op, &right)?;
                binary(left, op, right)
            }
            Ast::UnaryOp { op, expr } => self.unary(op, expr),
            Ast::IsNull(inner) => Ok(self.draft(inner)?.call(Type::Bool, Function::IsNull)),
            Ast::IsNotNull(inner) => Ok(self.draft(inner)?.call(Type::Bool, Function::IsNotNull)),
            Ast::IsTrue(inner) => self.truth(inner, Function::IsTrue, false),
            Ast::IsNotTrue(inner) => self.truth(inner, Function::IsTrue, true),
            Ast::IsFalse(inner) => self.truth(inner, Function::IsFalse, false),
            Ast::IsNotFalse(inner) => self.truth(inner, Function::IsFalse, true),
            Ast::Between { expr, negated, low, high } => {
                let (value, low, high) = (self.draft(expr)?, self.draft(low)?, self.draft(high)?);
                for side in [&value, &low, &high] {
                    refuse_undeclared(self.scope, &side.kind, side.ty, "`between`")?;
                }
                let above = comparison(value.clone(), low, Function::GreaterOrEqual)?;
                let below = comparison(value, high, Function::LessOrEqual)?;
                Ok(Draft::both(above, below, Type::Bool, Function::And)?.negate_if(*negated))
            }
            Ast::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            other => functions::call(self, other),
        }
    }

    /// What an operator may not have on either side.
    fn sides(&self, left: &Draft, op: &BinaryOperator, right: &Draft) -> Checked<()> {
        let what = format!("`{op}`");
        let orders =
            matches!(op, BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq);
        let adds = matches!(op, BinaryOperator::Plus | BinaryOperator::Minus);
        for side in [left, right] {
            if orders {
                refuse_undeclared(self.scope, &side.kind, side.ty, &what)?;
            }
            if adds {
                refuse_money(self.scope, &side.kind, &what)?;
            }
        }
        Ok(())
    }

    /// Checks the argument of an aggregate, where columns are allowed and aggregates are not.
    fn aggregate_argument(&mut self, ast: &Ast) -> Checked<Draft> {
        self.allow_aggregate()?;
        self.in_aggregate = true;
        let draft = self.draft(ast);
        self.in_aggregate = false;
        draft
    }

    /// Fails where an aggregate is not allowed.
    fn allow_aggregate(&self) -> Checked<()> {
        match (self.context, self.in_aggregate) {
            (Context::Row, _) => Err(Fault::AggregateMisplaced.into()),
            (Context::Aggregate, true) => Err(Fault::AggregateInAggregate.into()),
            (Context::Aggregate, false) => Ok(()),
        }
    }

    fn column(&mut self, name: &Ident) -> Checked<Draft> {
        let name = &name.value;
        let Some(ty) = self.scope.types.get(name) else {
            let near = did_you_mean(name, self.scope.types.keys().map(String::as_str));
            return Err(Fault::UnknownColumn { name: name.clone(), near }.into());
        };
        let of_row = self.context == Context::Row || self.in_aggregate;
        if !of_row && name != AS_OF {
            return Err(Fault::ColumnOutsideAggregate(name.clone()).into());
        }
        // Outside of aggregates only the run's date can be combined with them.
        let grain = if of_row { Grain::Row } else { Grain::Aggregate };
        Ok(Draft { kind: Kind::Column(name.clone()), ty: Some(*ty), grain, number: None })
    }

    fn unary(&mut self, op: &UnaryOperator, inner: &Ast) -> Checked<Draft> {
        let draft = self.draft(inner)?;
        match (op, draft.ty, &draft.number) {
            (UnaryOperator::Not, _, _) => Ok(check_bool(draft, "`not`")?.call(Type::Bool, Function::Not)),
            (UnaryOperator::Plus, Some(Type::Int | Type::Float | Type::Decimal(..)), _) => Ok(draft),
            (UnaryOperator::Minus, _, Some(text)) => match text.strip_prefix('-') {
                Some(positive) => number(positive),
                None => number(&format!("-{text}")),
            },
            (UnaryOperator::Minus, Some(Type::Int), _) => binary(number("0")?, &BinaryOperator::Minus, draft),
            (UnaryOperator::Minus, Some(ty @ (Type::Float | Type::Decimal(..))), _) => {
                Ok(draft.call(ty, Function::Negate))
            }
            _ => Err(Fault::NeedsNumber(op.to_string()).into()),
        }
    }

    fn truth(&mut self, inner: &Ast, function: Function, negated: bool) -> Checked<Draft> {
        let draft = check_bool(self.draft(inner)?, "`is true` and `is false`")?;
        Ok(draft.call(Type::Bool, function).negate_if(negated))
    }

    fn case(
        &mut self,
        operand: Option<&Ast>,
        branches: &[sqlparser::ast::CaseWhen],
        otherwise: Option<&Ast>,
    ) -> Checked<Draft> {
        let operand = operand.map(|o| self.draft(o)).transpose()?;
        let (mut conditions, mut results) = (Vec::new(), Vec::new());
        for branch in branches {
            let condition = self.draft(&branch.condition)?;
            conditions.push(match &operand {
                Some(value) => comparison(value.clone(), condition, Function::Equal)?,
                None => check_bool(condition, "`when`")?,
            });
            results.push(self.draft(&branch.result)?);
        }
        results.push(otherwise.map_or_else(|| Ok(Draft::null()), |o| self.draft(o))?);
        let grain = conditions.iter().chain(&results).try_fold(Grain::Constant, |g, n| join(g, n.grain))?;
        let (mut results, ty) = unify(results, "the branches of `case`")?;
        let otherwise = Box::new(results.pop().unwrap_or_else(Draft::null).into_expr());
        let branches = conditions.into_iter().zip(results).map(|(c, r)| (c.into_expr(), r.into_expr())).collect();
        Ok(Draft { kind: Kind::Case { branches, otherwise }, ty, grain, number: None })
    }
}

/// Whether an expression is a text literal; an empty one only if `empty` allows it.
fn is_text_literal(ast: &Ast, empty: bool) -> bool {
    matches!(ast, Ast::Value(v) if matches!(&v.value, Value::SingleQuotedString(s) if empty || !s.is_empty()))
}
