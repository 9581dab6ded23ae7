//! SQL expression text → typed Polars expression. Owns the grammar we accept; refuses whatever could mean different
//! things in Polars, DuckDB and Spark: every node's type is known here, before a byte of data is read.

use std::collections::BTreeSet;

use polars::prelude::{AnyValue, NULL};
use polars::prelude::{Expr as Plan, LiteralValue, Scalar, col, lit, when};
use sqlparser::ast::{Expr, Ident, TypedString, UnaryOperator, Value};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::aggregates::{How, Reduction};
use super::operators::{binary, check_bool, comparison, unify};
use super::{AS_OF, Scope, cast, did_you_mean, functions};
use crate::cell::{CellType, Type, Value as Cell, read_decimal};
use crate::interop::polars_type;

/// A compiled expression and its type.
#[derive(Debug, Clone)]
pub struct Typed {
    /// Its SQL.
    pub sql: String,
    /// The Polars expression.
    pub expr: Plan,
    /// Its type.
    pub ty: Type,
    /// The columns it names, sorted.
    pub columns: BTreeSet<String>,
    /// For an aggregate, the reductions whose columns the expression names.
    pub reductions: Vec<Reduction>,
}

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// One value a row.
    Row,
    /// One value a customer, from many rows; its reductions are numbered from here on.
    Aggregate(usize),
}

/// How many values a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    Constant,
    Row,
    Aggregate,
}

/// A compiled node. `ty` is none for a bare `NULL`; `number` keeps a numeric literal's text for exact decimals.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub expr: Plan,
    pub ty: Option<Type>,
    pub grain: Grain,
    pub number: Option<String>,
}

/// Longest expression, in bytes, and deepest nesting: what is longer or deeper could exhaust the stack.
const LONGEST: usize = 32 * 1024;
const DEEPEST: usize = 200;

/// Compiles one expression; an error is a message without a position.
pub(crate) fn compile(text: &str, scope: &Scope, context: Context) -> Result<Typed, String> {
    if text.len() > LONGEST {
        return Err(format!("the expression is longer than {LONGEST} bytes"));
    }
    let mut parser = Parser::new(&DuckDbDialect {}).try_with_sql(text).map_err(|e| parse_error(&e))?;
    let ast = parser.parse_expr().map_err(|e| parse_error(&e))?;
    let rest = parser.next_token();
    if rest.token != Token::EOF {
        return Err(format!("unexpected `{}` after the expression", rest.token));
    }
    let (columns, reductions) = (BTreeSet::new(), Vec::new());
    let mut compiler = Compiler { scope, context, columns, reductions, in_aggregate: false, depth: 0 };
    let node = compiler.node(&ast)?;
    let ty = node.ty.ok_or("the expression is only NULL: give it a type with `cast(null as text)`")?;
    match (context, node.grain) {
        (Context::Aggregate(_), Grain::Row | Grain::Constant) => {
            Err(format!("an aggregate is needed here, such as `max({text})`"))
        }
        _ => {
            let Compiler { columns, reductions, .. } = compiler;
            Ok(Typed { sql: text.to_owned(), expr: node.expr, ty, columns, reductions })
        }
    }
}

fn parse_error(error: &sqlparser::parser::ParserError) -> String {
    format!("cannot parse the expression: {error}")
}

pub(super) struct Compiler<'a> {
    scope: &'a Scope,
    context: Context,
    columns: BTreeSet<String>,
    reductions: Vec<Reduction>,
    in_aggregate: bool,
    depth: usize,
}

impl Compiler<'_> {
    /// Compiles one node of the syntax tree.
    pub fn node(&mut self, ast: &Expr) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("more than {DEEPEST} operators in a row or inside each other: split the expression"));
        }
        let node = self.node_inside(ast);
        self.depth -= 1;
        node
    }

    fn node_inside(&mut self, ast: &Expr) -> Result<Node, String> {
        match ast {
            Expr::Identifier(name) => self.column(name),
            Expr::Value(value) => literal(&value.value),
            Expr::TypedString(typed) => typed_literal(typed),
            Expr::Nested(inner) => self.node(inner),
            Expr::BinaryOp { left, op, right } => binary(self.node(left)?, op, self.node(right)?),
            Expr::UnaryOp { op, expr } => self.unary(op, expr),
            Expr::IsNull(inner) => Ok(self.node(inner)?.map_to(Type::Bool, Plan::is_null)),
            Expr::IsNotNull(inner) => Ok(self.node(inner)?.map_to(Type::Bool, Plan::is_not_null)),
            Expr::IsTrue(inner) => self.truth(inner, true, false),
            Expr::IsNotTrue(inner) => self.truth(inner, true, true),
            Expr::IsFalse(inner) => self.truth(inner, false, false),
            Expr::IsNotFalse(inner) => self.truth(inner, false, true),
            Expr::Between { expr, negated, low, high } => {
                let (value, low, high) = (self.node(expr)?, self.node(low)?, self.node(high)?);
                let above = comparison(value.clone(), low, Plan::gt_eq)?;
                let inside = Node::both(above, comparison(value, high, Plan::lt_eq)?, Type::Bool, Plan::and)?;
                Ok(inside.negate_if(*negated))
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            other => functions::call(self, other),
        }
    }

    /// Compiles the argument of an aggregate, where columns are allowed and aggregates are not.
    pub fn aggregate_argument(&mut self, ast: &Expr) -> Result<Node, String> {
        if self.context == Context::Row {
            return Err(
                "an aggregate stands where one value a row is needed: move it to a source's `aggregates`".into()
            );
        }
        if std::mem::replace(&mut self.in_aggregate, true) {
            return Err("an aggregate cannot stand inside another".into());
        }
        let node = self.node(ast);
        self.in_aggregate = false;
        node
    }

    /// Fails for an aggregate such as `count(*)` where none may stand.
    pub fn allow_aggregate(&mut self) -> Result<(), String> {
        self.aggregate_argument(&Expr::Value(Value::Boolean(true).into())).map(drop)
    }

    /// The column of a reduction of a customer's rows; the same one is made once.
    pub fn reduce(&mut self, how: How, value: Plan, by: Option<Plan>) -> Plan {
        let same = |r: &&Reduction| r.how == how && r.value == value && r.by == by;
        if let Some(known) = self.reductions.iter().find(same) {
            return col(known.name.as_str());
        }
        let first = if let Context::Aggregate(first) = self.context { first } else { 0 };
        // Specs cannot use names that begin so.
        let name = format!("__reduced_{}", first + self.reductions.len());
        self.reductions.push(Reduction { name: name.clone(), how, value, by });
        col(name)
    }

    fn column(&mut self, name: &Ident) -> Result<Node, String> {
        let name = &name.value;
        let Some(ty) = self.scope.get(name) else {
            let near = did_you_mean(name, self.scope.keys().map(String::as_str));
            return Err(format!("no column `{name}` here{near}"));
        };
        if self.context != Context::Row && !self.in_aggregate && name != AS_OF {
            return Err(format!("column `{name}` must stand inside an aggregate, such as `max({name})`"));
        }
        self.columns.insert(name.clone());
        // Outside an aggregate only the run's date can stand beside aggregates.
        let grain = if self.context == Context::Row || self.in_aggregate { Grain::Row } else { Grain::Aggregate };
        Ok(Node { expr: col(name.as_str()), ty: Some(*ty), grain, number: None })
    }

    fn unary(&mut self, op: &UnaryOperator, inner: &Expr) -> Result<Node, String> {
        let node = self.node(inner)?;
        match (op, node.ty, &node.number) {
            (UnaryOperator::Not, _, _) => Ok(check_bool(node, "`not`")?.map_to(Type::Bool, Plan::not)),
            (UnaryOperator::Plus, Some(Type::Int | Type::Float | Type::Decimal(..)), _) => Ok(node),
            (UnaryOperator::Minus, _, Some(text)) => match text.strip_prefix('-') {
                Some(positive) => number(positive),
                None => number(&format!("-{text}")),
            },
            (UnaryOperator::Minus, Some(Type::Int), _) => {
                binary(number("0")?, &sqlparser::ast::BinaryOperator::Minus, node)
            }
            (UnaryOperator::Minus, Some(ty @ Type::Float), _) => Ok(node.map_to(ty, |e| lit(0.0) - e)),
            _ => Err(format!("`{op}` needs a number")),
        }
    }

    fn truth(&mut self, inner: &Expr, wanted: bool, negated: bool) -> Result<Node, String> {
        let node = check_bool(self.node(inner)?, "`is true` and `is false`")?;
        let is = move |e: Plan| if wanted { e.fill_null(lit(false)) } else { e.not().fill_null(lit(false)) };
        Ok(node.map_to(Type::Bool, is).negate_if(negated))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[sqlparser::ast::CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Node, String> {
        let operand = operand.map(|o| self.node(o)).transpose()?;
        let mut conditions = Vec::new();
        let mut results = Vec::new();
        for branch in branches {
            let condition = self.node(&branch.condition)?;
            conditions.push(match &operand {
                Some(value) => comparison(value.clone(), condition, Plan::eq)?,
                None => check_bool(condition, "`when`")?,
            });
            results.push(self.node(&branch.result)?);
        }
        results.push(otherwise.map_or_else(|| Ok(Node::null()), |o| self.node(o))?);
        let grain = conditions.iter().chain(&results).try_fold(Grain::Constant, |g, n| join(g, n.grain))?;
        let (mut results, ty) = unify(results, "the branches of `case`")?;
        let last = results.pop().map_or_else(|| lit(NULL), |n| n.expr);
        let expr =
            conditions.into_iter().zip(results).rev().fold(last, |otherwise, (condition, result)| {
                when(condition.expr).then(result.expr).otherwise(otherwise)
            });
        Ok(Node { expr, ty, grain, number: None })
    }
}

impl Node {
    pub fn null() -> Self {
        Self { expr: lit(NULL), ty: None, grain: Grain::Constant, number: None }
    }

    pub fn constant(expr: Plan, ty: Type) -> Self {
        Self { expr, ty: Some(ty), grain: Grain::Constant, number: None }
    }

    /// The node after a function of one argument.
    pub fn map_to(self, ty: Type, function: impl FnOnce(Plan) -> Plan) -> Self {
        Self { expr: function(self.expr), ty: Some(ty), grain: self.grain, number: None }
    }

    /// The node after a function of two arguments.
    pub fn both(a: Self, b: Self, ty: Type, function: impl FnOnce(Plan, Plan) -> Plan) -> Result<Self, String> {
        let grain = join(a.grain, b.grain)?;
        Ok(Self { expr: function(a.expr, b.expr), ty: Some(ty), grain, number: None })
    }

    pub fn negate_if(self, negated: bool) -> Self {
        if negated { self.map_to(Type::Bool, Plan::not) } else { self }
    }

    /// The node as a value of `ty`, when its type or its literal text allows that without loss.
    pub fn widen(self, ty: Type) -> Self {
        match (self.ty, ty, &self.number) {
            (Some(from), to, _) if from == to => self,
            (_, Type::Decimal(p, s), Some(text)) if read_decimal(text, p, s).is_some() => {
                let value = read_decimal(text, p, s).unwrap_or_default();
                let value = AnyValue::Decimal(value, p.into(), s.into());
                Self { expr: lit(LiteralValue::Scalar(Scalar::new(polars_type(ty), value))), ty: Some(ty), ..self }
            }
            _ => self.map_to(ty, |e| e.cast(polars_type(ty))),
        }
    }
}

/// The grain of two nodes together.
pub(super) fn join(a: Grain, b: Grain) -> Result<Grain, String> {
    match (a, b) {
        (Grain::Constant, other) | (other, Grain::Constant) => Ok(other),
        (a, b) if a == b => Ok(a),
        _ => Err("a row value and an aggregate are mixed".into()),
    }
}

fn literal(value: &Value) -> Result<Node, String> {
    match value {
        Value::Null => Ok(Node::null()),
        Value::Boolean(b) => Ok(Node::constant(lit(*b), Type::Bool)),
        Value::SingleQuotedString(text) => Ok(Node::constant(lit(text.as_str()), Type::Text)),
        Value::Number(text, _) => number(text),
        other => Err(format!("literal `{other}` is not supported")),
    }
}

fn number(text: &str) -> Result<Node, String> {
    let node = if let Some(Cell::Int(value)) = CellType::of(Type::Int).read(text) {
        Node::constant(lit(value), Type::Int)
    } else if let Some(Cell::Float(value)) = CellType::of(Type::Float).read(text) {
        Node::constant(lit(value), Type::Float)
    } else {
        return Err(format!("number `{text}` is out of range"));
    };
    Ok(Node { number: Some(text.to_owned()), ..node })
}

/// `date '2026-01-31'` and `timestamp '2026-01-31 12:00:00'`.
fn typed_literal(typed: &TypedString) -> Result<Node, String> {
    let Value::SingleQuotedString(text) = &typed.value.value else {
        return Err(format!("literal `{typed}` is not supported"));
    };
    let ty = cast::sql_type(&typed.data_type)?;
    let value = match CellType::of(ty).read(text) {
        Some(Cell::Date(days)) => AnyValue::Date(days),
        Some(Cell::Datetime(micros)) => AnyValue::Datetime(micros, polars::prelude::TimeUnit::Microseconds, None),
        _ => return Err(format!("`{typed}` is not a valid literal")),
    };
    Ok(Node::constant(lit(LiteralValue::Scalar(Scalar::new(polars_type(ty), value))), ty))
}
