import Core
import NIOCore

// What comes from other loops.

extension Loop {
    /// Takes a parcel, or keeps it until this loop's registry has come as far as the sender's: the parcel may name accounts and
    /// instruments that are still on their way from loop 0. Parcels of one loop are never taken out of order. Loop 0's own need no check: the
    /// entries stand in them before what needs them.
    func open(_ parcel: Parcel) {
        if parcel.from != 0, parcel.registryNumber > registry.number || deferred.contains(where: { $0.from == parcel.from }) {
            deferred.append(parcel)
            return
        }
        for message in parcel.messages { handle(message, parcel: parcel) }
    }

    private func openDeferred() {
        guard !deferred.isEmpty else { return }
        var parcels: [Parcel] = []
        swap(&parcels, &deferred)
        for parcel in parcels { open(parcel) }
    }

    func handle(_ message: Message, parcel: Parcel) {
        switch message {
        case .command(let address, let wallet, let command, let session):
            executeRemote(address, wallet, command, session: session)
        case .admitted(let address, let wallet, let command, let session):
            executeRemote(address, wallet, command, session: session, isAdmitted: true)
        case .part(let request):
            executePart(request)
        case .answer(let address, let start, let end):
            guard let connection = connection(address.connection),
                let text = parcel.text.getSlice(at: start, length: end - start)
            else { return }
            connection.fill(address.ticket, text: text, wait: Int64(parcel.sealedLSN))
        case .partDone(let part):
            gather(part, parcel: parcel)
        case .define(let request):
            define(request)
        case .defineHouse(let address, let status, let session):
            defineHouse(status, address, session: session)
        case .record(let number, let definition, let history):
            applyEntry(number, definition, history: history)
            openDeferred()
        case .recorded(let number, let canceled):
            noteRecorded(number: number, canceled: canceled, lastLSN: parcel.lastLSN)
        case .opened(let address, let rejection):
            connection(address.connection)?.accountOpened(ticket: address.ticket, rejection)
        case .transfer(let transfer, let target):
            credit(transfer, target: target)
        case .credited(let source, let target, let sequence, let lsn):
            noteCredited(source: source, target: target, sequence: sequence, lsn: lsn)
        case .cancelOrders(let session, let id, let loop):
            cancelOrders(ofSession: session)
            send(.ordersCanceled(id), to: loop)
        case .ordersCanceled(let id):
            guard let connection = connection(id) else { return }
            connection.cancelsUnderWay -= 1
            connection.finishLeaving()
        case .replace(let id, let address):
            guard let old = connection(id) else {
                send(.replaced(address), to: address.loop)
                return
            }
            old.replacedBy.append(address)
            old.end(reason: "replaced")
            old.abandonAuthentication()
            old.finishLeaving()
        case .replaced(let address):
            connection(address.connection)?.predecessorGone(ticket: address.ticket, tag: address.tag)
        }
    }
}
