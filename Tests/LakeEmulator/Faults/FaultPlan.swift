import Synchronization

/// The orders in force, and how often each was asked. The first order that strikes wins.
final class FaultPlan: Sendable {
  private struct Order {
    let fault: Fault
    var asked = 0
    var random: SeededGenerator
  }

  private let seed: UInt64
  private let orders = Mutex<[Order]>([])

  init(seed: UInt64) {
    self.seed = seed
  }

  /// Replaces all orders; their counts begin anew.
  func set(_ faults: [Fault]) {
    orders.withLock { orders in
      orders = faults.enumerated().map { index, fault in
        Order(fault: fault, random: SeededGenerator(seed: seed &+ UInt64(index)))
      }
    }
  }

  /// The fault that strikes this request.
  func strike(_ operation: EmulatorOperation, path: String) -> Fault? {
    orders.withLock { orders in
      var struck: Fault?
      for index in orders.indices where orders[index].fault.fits(operation, path: path) {
        orders[index].asked += 1
        let strikes =
          switch orders[index].fault.trigger {
          case .always: true
          case .first(let count): orders[index].asked <= count
          case .every(let count): orders[index].asked % count == 0
          case .rate(let rate): Double.random(in: 0..<1, using: &orders[index].random) < rate
          }
        if strikes, struck == nil { struck = orders[index].fault }
      }
      return struck
    }
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed, so that a run with faults can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
