import Synchronization

/// The numbers that the program's jobs add up, from its start.
package final class Metrics: Sendable {
  /// The labels of a series, in order.
  package typealias Labels = [(name: String, value: String)]

  /// One number beside those that are added up: what is read when it is asked for.
  package struct Sample: Sendable {
    let metric: Metric
    let labels: Labels
    let value: Double

    package init(_ metric: Metric, _ labels: Labels = [], _ value: Double) {
      self.metric = metric
      self.labels = labels
      self.value = value
    }
  }

  enum Value: Sendable {
    case number(Double)
    case histogram(Histogram)
  }

  struct Histogram: Sendable {
    /// Observations in each of `Metric.buckets`, and above the last.
    var counts = [Int](repeating: 0, count: Metric.buckets.count + 1)
    var sum = 0.0
  }

  private let state = Mutex<[Metric: [String: Value]]>([:])

  package init() {}

  /// Adds to a counter.
  package func add(_ count: Int, to metric: Metric, _ labels: Labels = []) {
    precondition(metric.kind == .counter, "\(metric.name) is no counter")
    change(metric, labels) { value in
      guard case .number(let number)? = value else { return .number(Double(count)) }
      return .number(number + Double(count))
    }
  }

  /// Sets a gauge.
  package func set(_ value: Double, of metric: Metric, _ labels: Labels = []) {
    precondition(metric.kind == .gauge, "\(metric.name) is no gauge")
    change(metric, labels) { _ in .number(value) }
  }

  /// Adds an observation to a histogram.
  package func observe(_ value: Double, in metric: Metric, _ labels: Labels = []) {
    precondition(metric.kind == .histogram, "\(metric.name) is no histogram")
    change(metric, labels) { old in
      var histogram = Histogram()
      if case .histogram(let there)? = old { histogram = there }
      histogram.counts[Metric.buckets.firstIndex { value <= $0 } ?? Metric.buckets.count] += 1
      histogram.sum += value
      return .histogram(histogram)
    }
  }

  private func change(_ metric: Metric, _ labels: Labels, _ next: (Value?) -> Value) {
    let series = Self.text(labels)
    state.withLock { state in
      let value = next(state[metric]?[series])
      state[metric, default: [:]][series] = value
    }
  }

  /// All series, with `samples` among them.
  func families(_ samples: [Sample]) -> [(metric: Metric, series: [(labels: String, value: Value)])] {
    var all = state.withLock { $0 }
    for sample in samples { all[sample.metric, default: [:]][Self.text(sample.labels)] = .number(sample.value) }
    return all.sorted { $0.key.name < $1.key.name }.map { metric, series in
      (metric, series.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
  }

  /// `a="1",b="2"`: a value's backslash, quote and line feed are escaped.
  private static func text(_ labels: Labels) -> String {
    labels.map { label in
      let value = label.value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
      return "\(label.name)=\"\(value)\""
    }.joined(separator: ",")
  }
}
