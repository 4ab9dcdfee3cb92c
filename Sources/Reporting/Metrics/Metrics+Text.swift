extension Metrics {
  /// The two text forms, which differ in how a counter is declared and in the end.
  package enum Form: Sendable {
    /// OpenMetrics 1.0.
    case openMetrics
    /// The text form of Prometheus, version 0.0.4.
    case prometheus

    /// The form that an `Accept` field asks for.
    package init(accept: String?) {
      self = accept?.contains("application/openmetrics-text") == true ? .openMetrics : .prometheus
    }

    package var contentType: String {
      switch self {
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
      }
    }
  }

  /// All numbers as text.
  /// - Parameter samples: what is read when it is asked for.
  package func text(_ form: Form, with samples: [Sample] = []) -> String {
    var lines: [String] = []
    for (metric, series) in families(samples) {
      let declared = metric.kind == .counter && form == .prometheus ? "\(metric.name)_total" : metric.name
      lines.append("# HELP \(declared) \(metric.help)")
      lines.append("# TYPE \(declared) \(metric.kind.rawValue)")
      for (labels, value) in series {
        switch value {
        case .number(let number):
          let name = metric.kind == .counter ? "\(metric.name)_total" : metric.name
          lines.append("\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(Self.text(number))")
        case .histogram(let histogram): lines += Self.lines(histogram, metric.name, labels)
        }
      }
    }
    if form == .openMetrics { lines.append("# EOF") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The cumulative buckets, the sum and the count.
  private static func lines(_ histogram: Histogram, _ name: String, _ labels: String) -> [String] {
    var lines: [String] = []
    var count = 0
    let bounds = Metric.buckets.map { text($0) } + ["+Inf"]
    for (bound, observed) in zip(bounds, histogram.counts) {
      count += observed
      lines.append("\(name)_bucket{\(labels.isEmpty ? "" : "\(labels),")le=\"\(bound)\"} \(count)")
    }
    let own = labels.isEmpty ? "" : "{\(labels)}"
    return lines + ["\(name)_sum\(own) \(text(histogram.sum))", "\(name)_count\(own) \(count)"]
  }

  private static func text(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? "\(number)" }
}
