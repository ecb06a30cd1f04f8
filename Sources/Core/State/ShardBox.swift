/// A shard and its place on the heap, so that many can be held in an array. Who holds it owns the shard: one thread at a time.
package final class ShardBox {
    /// Good as long as the box.
    package let address: UnsafeMutablePointer<Shard>
    package let number: WalletID

    package init(number: WalletID) {
        self.number = number
        address = .allocate(capacity: 1)
        address.initialize(to: Shard(number: number))
    }

    deinit {
        address.deinitialize(count: 1)
        address.deallocate()
    }

    package var shard: Shard {
        @inline(__always) unsafeAddress { UnsafePointer(address) }
        @inline(__always) unsafeMutableAddress { address }
    }
}
