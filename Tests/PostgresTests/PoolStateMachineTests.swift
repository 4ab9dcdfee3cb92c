import Testing

@testable import Postgres

@Suite struct PoolStateMachineTests {
  let start = ContinuousClock.now

  func machine(maximum: Int = 2) -> PoolStateMachine {
    var configuration = PoolStateMachine.Configuration()
    configuration.maximum = maximum
    configuration.waitLimit = .seconds(10)
    configuration.idleLimit = .seconds(60)
    configuration.ageLimit = .seconds(600)
    return PoolStateMachine(configuration: configuration)
  }

  func after(_ seconds: Int) -> PoolStateMachine.Instant { start.advanced(by: .seconds(seconds)) }

  @Test func firstCallerGetsANewConnection() {
    var pool = machine()
    #expect(pool.request(waiter: 1, now: start) == [.open])
    #expect(pool.opened(connection: 7, now: start) == [.lease(connection: 7, waiter: 1)])
  }

  @Test func noMoreThanTheMaximumIsOpened() {
    var pool = machine(maximum: 2)
    #expect(pool.request(waiter: 1, now: start) == [.open])
    #expect(pool.request(waiter: 2, now: start) == [.open])
    #expect(pool.request(waiter: 3, now: start) == [])
    #expect(pool.count == 2)
  }

  @Test func waitersAreServedInOrder() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.request(waiter: 2, now: start)
    _ = pool.request(waiter: 3, now: start)
    #expect(pool.opened(connection: 7, now: start) == [.lease(connection: 7, waiter: 1)])
    #expect(pool.released(connection: 7, reusable: true, now: start) == [.lease(connection: 7, waiter: 2)])
    #expect(pool.released(connection: 7, reusable: true, now: start) == [.lease(connection: 7, waiter: 3)])
    #expect(pool.released(connection: 7, reusable: true, now: start) == [])
  }

  @Test func aBrokenConnectionIsReplacedForTheNextWaiter() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.request(waiter: 2, now: start)
    #expect(pool.released(connection: 7, reusable: false, now: start) == [.close(connection: 7), .open])
    #expect(pool.opened(connection: 8, now: start) == [.lease(connection: 8, waiter: 2)])
  }

  @Test func aFailedOpeningIsHeardByOneWaiterAndTriedAnewForTheNext() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.request(waiter: 2, now: start)
    #expect(pool.openFailed() == [.refuse(waiter: 1, .openFailed), .open])
    #expect(pool.openFailed() == [.refuse(waiter: 2, .openFailed)])
    #expect(pool.count == 0)
  }

  @Test func aWaiterIsRefusedAtItsDeadlineAndNotBefore() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.request(waiter: 2, now: after(1))
    #expect(pool.nextDeadline == after(11))
    #expect(pool.tick(now: after(10)) == [])
    #expect(pool.tick(now: after(11)) == [.refuse(waiter: 2, .timeout)])
    #expect(pool.released(connection: 7, reusable: true, now: after(12)) == [])
  }

  @Test func aCancelledWaiterDoesNotGetAConnection() {
    var pool = machine(maximum: 1)
    _ = pool.request(waiter: 1, now: start)
    #expect(pool.cancelled(waiter: 1) == [.refuse(waiter: 1, .cancelled)])
    #expect(pool.cancelled(waiter: 1) == [])
    #expect(pool.opened(connection: 7, now: start) == [])
    #expect(pool.request(waiter: 2, now: start) == [.lease(connection: 7, waiter: 2)])
  }

  @Test func anIdleConnectionIsClosedAfterTheIdleLimit() {
    var pool = machine()
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.released(connection: 7, reusable: true, now: after(5))
    #expect(pool.nextDeadline == after(65))
    #expect(pool.tick(now: after(64)) == [])
    #expect(pool.tick(now: after(65)) == [.close(connection: 7)])
    #expect(pool.request(waiter: 2, now: after(66)) == [.open])
  }

  @Test func anOldConnectionIsNotUsedAgain() {
    var pool = machine()
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    #expect(pool.released(connection: 7, reusable: true, now: after(600)) == [.close(connection: 7)])
  }

  @Test func theLastUsedConnectionIsTakenFirst() {
    var pool = machine()
    _ = pool.request(waiter: 1, now: start)
    _ = pool.request(waiter: 2, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.opened(connection: 8, now: start)
    _ = pool.released(connection: 7, reusable: true, now: start)
    _ = pool.released(connection: 8, reusable: true, now: start)
    #expect(pool.request(waiter: 3, now: start) == [.lease(connection: 8, waiter: 3)])
  }

  @Test func aClosedPoolRefusesAndClosesWhatComesBack() {
    var pool = machine(maximum: 2)
    _ = pool.request(waiter: 1, now: start)
    _ = pool.opened(connection: 7, now: start)
    _ = pool.request(waiter: 2, now: start)
    #expect(pool.close() == [.refuse(waiter: 2, .closed)])
    #expect(pool.opened(connection: 8, now: start) == [.close(connection: 8)])
    #expect(pool.released(connection: 7, reusable: true, now: start) == [.close(connection: 7)])
    #expect(pool.request(waiter: 3, now: start) == [.refuse(waiter: 3, .closed)])
  }
}
