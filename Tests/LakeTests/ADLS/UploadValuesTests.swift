import Testing

@testable import Lake

@Suite("Upload: values")
struct UploadValuesTests {
  @Test(
    "Pieces have one size, in order and without a gap, however the bytes arrive", arguments: [1, 3, 7, 10, 25, 100])
  func cutting(step: Int) {
    let content = (0..<100).map { UInt8($0) }
    var cutter = AppendCutter(size: 10)
    var pieces: [AppendCutter.Piece] = []
    for start in stride(from: 0, to: 100, by: step) {
      pieces += cutter.take(Array(content[start..<min(start + step, 100)]))
    }
    if let rest = cutter.takeRest() { pieces.append(rest) }
    #expect(pieces.map(\.position) == Array(stride(from: 0, to: 100, by: 10)))
    #expect(pieces.flatMap(\.bytes) == content)
    #expect(cutter.length == 100)
    #expect(cutter.takeRest() == nil)
  }

  @Test("A file that is not a multiple of the size ends with a shorter piece")
  func rest() {
    var cutter = AppendCutter(size: 10)
    #expect(cutter.take([UInt8](repeating: 1, count: 12)).map(\.position) == [0])
    #expect(cutter.takeRest() == AppendCutter.Piece(position: 10, bytes: [1, 1]))
  }

  @Test("Pieces grow, so that the number the service allows reaches beyond a terabyte from 8 MiB on")
  func growth() {
    var cutter = AppendCutter(size: 1)
    for _ in 0..<AppendCutter.piecesBeforeGrowth { _ = cutter.take([0]) }
    #expect(cutter.size == 2)
    let pieces = cutter.take([1, 2, 3, 4])
    #expect(pieces.map(\.position) == [12_500, 12_502])
    let reach = (0..<AppendCutter.maximumPieces).reduce(0) { $0 + (8 << 20) << ($1 / AppendCutter.piecesBeforeGrowth) }
    #expect(reach > 1 << 40)
  }

  @Test("Throttling halves the window, success lets it grow again, and it never falls to zero")
  func window() {
    var window = AppendWindow(maximum: 4, firstSize: 8)
    for _ in 0..<4 {
      #expect(!window.isFull(forSize: 8))
      window.started()
    }
    #expect(window.isFull(forSize: 8))
    for _ in 0..<5 { window.throttled() }
    #expect(window.limit == 1)
    for _ in 0..<3 { window.ended(well: false) }
    #expect(window.isFull(forSize: 8))
    window.ended(well: false)
    #expect(!window.isFull(forSize: 8))
    for _ in 0..<AppendWindow.successesToGrow * 10 {
      window.started()
      window.ended(well: true)
    }
    #expect(window.limit == 4)
  }

  @Test("Larger pieces are fewer at a time, so that memory does not grow")
  func largerPieces() {
    var window = AppendWindow(maximum: 4, firstSize: 8)
    window.started()
    #expect(!window.isFull(forSize: 16))
    window.started()
    #expect(window.isFull(forSize: 16))
    window.ended(well: true)
    window.ended(well: true)
    #expect(!window.isFull(forSize: 64))
    window.started()
    #expect(window.isFull(forSize: 64))
  }
}
