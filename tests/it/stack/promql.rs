//! A query as Prometheus understands it: its parts, and what they are parts of.

use promql_parser::label::Matcher;
use promql_parser::parser::{self, Expr, VectorSelector};

/// Parses a query; what Grafana fills in for times is some time.
pub fn parsed(query: &str) -> Expr {
    let mut text = query.to_owned();
    for time in ["$__rate_interval", "$__interval", "$__range"] {
        text = text.replace(time, "1m");
    }
    parser::parse(&text).unwrap_or_else(|error| panic!("{error}: {query}"))
}

/// Itself and all that it is made of, each with what it is directly in, parentheses left out.
pub fn parts(query: &Expr) -> Vec<(&Expr, Option<&Expr>)> {
    let mut parts = Vec::new();
    let mut waiting = vec![(query, None)];
    while let Some((part, around)) = waiting.pop() {
        let inner: Vec<&Expr> = match part {
            Expr::Aggregate(one) => one
                .param
                .iter()
                .chain([&one.expr])
                .map(AsRef::as_ref)
                .collect(),
            Expr::Binary(one) => vec![&one.lhs, &one.rhs],
            Expr::Call(one) => one.args.args.iter().map(AsRef::as_ref).collect(),
            Expr::Paren(one) => vec![&one.expr],
            Expr::Subquery(one) => vec![&one.expr],
            Expr::Unary(one) => vec![&one.expr],
            Expr::MatrixSelector(_)
            | Expr::VectorSelector(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::Extension(_) => Vec::new(),
        };
        let inside = if let Expr::Paren(_) = part {
            around
        } else {
            parts.push((part, around));
            Some(part)
        };
        waiting.extend(inner.into_iter().map(|one| (one, inside)));
    }
    parts
}

/// One look at series.
#[derive(Debug)]
pub struct Selector<'a> {
    pub name: &'a str,
    pub matchers: &'a [Matcher],
    /// The function that it is given to, or nothing.
    pub function: &'a str,
}

/// All selectors of a query.
pub fn selectors(query: &Expr) -> Vec<Selector<'_>> {
    let selectors = parts(query).into_iter().filter_map(|(part, around)| {
        let VectorSelector { name, matchers, .. } = match part {
            Expr::VectorSelector(one) => one,
            Expr::MatrixSelector(one) => &one.vs,
            _ => return None,
        };
        let function = match around {
            Some(Expr::Call(call)) => call.func.name,
            _ => "",
        };
        Some(Selector {
            name: name.as_deref().unwrap_or_default(),
            matchers: &matchers.matchers,
            function,
        })
    });
    selectors.collect()
}

#[test]
fn selectors_are_found_wherever_they_are() {
    let query = r#"topk(1, sum by (source, le) (rate(a_total{x="b{c}",y=~"$y|"}[$__range])) >= 20
        and on (job) (1000 * d:e:f5m offset 5m) > 1.5) or vector(0) unless ((g_bucket))"#;
    let query = parsed(query);
    let mut found: Vec<_> = selectors(&query)
        .iter()
        .map(|one| (one.name, one.matchers.len(), one.function))
        .collect();
    found.sort_unstable();
    let expected = [
        ("a_total", 2, "rate"),
        ("d:e:f5m", 0, ""),
        ("g_bucket", 0, ""),
    ];
    assert_eq!(found, expected);
}
