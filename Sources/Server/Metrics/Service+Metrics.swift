import Core
import Glibc
import WAL

// /metrics: what the loops and the log have counted, collected when somebody asks. The names are docs/OPERATIONS.md's; alerts and dashboards
// rest on them.

extension Service {
    /// The exposition, with what others have registered. Asks each loop once; some hundred microseconds.
    package func metrics() async -> String {
        var gauges: [LoopGauges] = []
        for loop in loops { gauges.append(await (try? loop.eventLoop.submit { loop.gauges() }.get()) ?? LoopGauges()) }
        var out = MetricsText()
        out.gauge("cashup_ready", "1 while clients should be sent here, as /health/ready says.", await readiness().isReady ? 1 : 0)
        writeService(&out)
        writeCommands(&out)
        writeLoops(gauges, &out)
        writeState(gauges, &out)
        writeLog(&out)
        writeProcess(&out)
        for source in metricSources { await source(&out) }
        return out.text
    }

    private func writeService(_ out: inout MetricsText) {
        out.family("cashup_build_info", .gauge, "Version of the program; the value is 1.")
        out.sample(1, [("version", Version.text), ("log_format", String(FrameHeader.version))])
        out.gauge("cashup_uptime_seconds", "Since the service became ready.", Double(clock.monotonic() - startedMonotonic) / 1e6)
        let storage = log.storage
        out.family("cashup_storage_state", .gauge, "1 for the state the storage is in: ok, reserved or full.")
        for (state, name) in [(StorageState.ok, "ok"), (.reserved, "reserved"), (.full, "full")] {
            out.sample(storage == state ? 1 : 0, [("state", name)])
        }
        out.gauge("cashup_draining", "1 while the service is shutting down.", isDraining ? 1 : 0)
        out.gauge("cashup_clock_alarm", "1 while the wall clock is too far from the service's time to be followed.", clock.alarm == nil ? 0 : 1)
        out.gauge("cashup_clock_difference_seconds", "Wall clock minus service time, where it is an alarm.", Double(clock.alarm ?? 0) / 1e6)
        out.gauge("cashup_connections", "Line protocol connections.", connectionCount)
        out.gauge("cashup_connections_max", "Line protocol connections that are taken at once.", config.maxConnections)
        out.gauge("cashup_sessions", "Sessions of the line protocol.", sessionCount)
        out.gauge("cashup_tokens_remembered", "Verified tokens kept until they end.", rememberedTokens)
        out.family("cashup_log_lines_dropped_total", .counter, "Lines that a log file lacks because the disk was too slow or full.")
        for (path, lines) in logs?.dropped ?? [] { out.sample(lines, [("file", String(path.split(separator: "/").last ?? ""))]) }
        if logs?.dropped.isEmpty ?? true { out.sample(0, [("file", "none")]) }
    }

    private func writeCommands(_ out: inout MetricsText) {
        var total = [UInt64](repeating: 0, count: (Verb.allCases.count + 1) * LoopMetrics.columns)
        var stages = (parse: HistogramCounts(), decide: HistogramCounts(), reply: HistogramCounts())
        for loop in loops {
            for (index, count) in loop.metrics.outcomeCounts.enumerated() { total[index] += count }
            stages.parse.merge(loop.metrics.parse.snapshot)
            stages.decide.merge(loop.metrics.decide.snapshot)
            stages.reply.merge(loop.metrics.reply.snapshot)
        }
        out.family("cashup_commands_total", .counter, "Commands answered, by verb and by code: OK or that of the refusal.")
        for row in 0...Verb.allCases.count {
            let verb = row < Verb.allCases.count ? Verb.allCases[row].name : "unknown"
            for column in 0..<LoopMetrics.columns {
                let count = total[row * LoopMetrics.columns + column]
                // A series that is there from the begin can be alerted on; the others would be thousands.
                guard count > 0 || column == 0 && row < Verb.allCases.count else { continue }
                let code = column == 0 ? "OK" : Code.allCases[column - 1].name.description
                out.sample(count, [("verb", verb), ("code", code)])
            }
        }
        out.family(
            "cashup_command_stage_seconds", .histogram,
            "Time of a command by stage: parse and decide (to apply, to record and to write the answer included) as averages of groups of lines; sync from sealed to durable; reply from taken to handed to the socket."
        )
        let short: ClosedRange<UInt64> = 64...(1 << 20)
        let long: ClosedRange<UInt64> = (1 << 14)...(1 << 34)
        out.histogram(stages.parse, perUnit: 1e9, range: short, [("stage", "parse")])
        out.histogram(stages.decide, perUnit: 1e9, range: short, [("stage", "decide")])
        out.histogram(log.times.sync.snapshot, perUnit: 1e9, range: long, [("stage", "sync")])
        out.histogram(stages.reply, perUnit: 1e9, range: long, [("stage", "reply")])
    }

    private func writeLoops(_ gauges: [LoopGauges], _ out: inout MetricsText) {
        func each(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (Int) -> Int) {
            out.family(name, kind, help)
            for index in loops.indices { out.sample(value(index), [("loop", String(index))]) }
        }
        each("cashup_loop_turns_total", .counter, "Turns of an event loop.") { Int(loops[$0].metrics.turns.now) }
        each("cashup_loop_batches_total", .counter, "Batches of records sealed.") { Int(loops[$0].metrics.batches.now) }
        each("cashup_loop_records_total", .counter, "Records sealed.") { Int(loops[$0].metrics.records.now) }
        each("cashup_loop_connections", .gauge, "Connections that a loop reads.") { gauges[$0].connections }
        each("cashup_loop_commands_in_flight", .gauge, "Commands taken whose answers have not left.") { gauges[$0].commandsInFlight }
        each("cashup_loop_unsent_bytes", .gauge, "Bytes of answers and events not yet handed to sockets.") { gauges[$0].unsentBytes }
        each("cashup_loop_mailbox_parcels", .gauge, "Parcels of other loops not yet opened.") { gauges[$0].parcels }
    }

    private func writeState(_ gauges: [LoopGauges], _ out: inout MetricsText) {
        out.gauge("cashup_accounts", "Accounts, suspended ones too.", gauges.first?.accounts ?? 0)
        out.gauge("cashup_instruments", "Instruments.", gauges.first?.instruments ?? 0)
        let wallets = gauges.flatMap(\.wallets).sorted { $0.name < $1.name }
        func each(_ name: String, _ help: String, _ value: (ShardCounts) -> Int) {
            out.family(name, .gauge, help)
            for (wallet, counts) in wallets { out.sample(value(counts), [("wallet", wallet)]) }
        }
        each("cashup_open_orders", "Open orders.") { $0.openOrders }
        each("cashup_remembered_ids", "Closed orders and references kept for repeats.") { $0.remembered }
        each("cashup_trades_in_memory", "Trades of the orders in memory.") { $0.trades }
        each("cashup_balances", "Balances of accounts.") { $0.balances }
        each("cashup_positions", "Positions, flat ones too.") { $0.positions }
    }

    private func writeLog(_ out: inout MetricsText) {
        let written = log.written
        let usage = DirectoryUsage(log.directory)
        out.gauge("cashup_log_sealed_lsn", "LSN of the last record applied and sealed.", log.sealedLSN)
        out.gauge("cashup_log_durable_lsn", "LSN up to which the log is on the disk.", log.durableLSN)
        out.gauge("cashup_log_oldest_lsn", "LSN of the first record that the directory has.", log.oldestLSN)
        let snapshot = snapshots.figures
        out.gauge("cashup_snapshot_lsn", "LSN of the newest snapshot; 0: there is none.", snapshot.lsn)
        out.gauge("cashup_snapshot_bytes", "Its size, if it was made since the start.", snapshot.bytes)
        out.gauge("cashup_snapshot_duration_seconds", "What making it took.", Double(snapshot.microseconds) / 1e6)
        out.counter("cashup_snapshots_total", "Snapshots made since the start.", snapshot.made)
        out.counter("cashup_snapshots_failed_total", "Attempts that came to nothing.", snapshot.failed)
        out.gauge("cashup_log_epoch", "One more with each start.", log.epoch)
        out.counter("cashup_log_frames_total", "Frames, which are commits, written since the start.", written.frames)
        out.counter("cashup_log_written_bytes_total", "Bytes of frames written since the start.", written.bytes)
        out.family("cashup_log_write_seconds", .histogram, "Time of a frame's write until it is on the disk.")
        out.histogram(log.times.write.snapshot, perUnit: 1e9, range: (1 << 14)...(1 << 34))
        out.family("cashup_log_frame_records", .histogram, "Records that a frame carries.")
        out.histogram(log.times.frameRecords.snapshot, perUnit: 1, range: 1...(1 << 16))
        out.gauge("cashup_log_segments", "Segments of the log in the data directory.", usage.segments)
        out.gauge("cashup_log_segment_bytes", "Their size.", usage.segmentBytes)
        out.gauge("cashup_log_spares", "Segments kept ready.", log.sparesReady)
        out.gauge("cashup_disk_free_bytes", "Room on the file system of the data directory.", usage.freeBytes)
        out.gauge("cashup_disk_size_bytes", "Size of the file system of the data directory.", usage.totalBytes)
    }

    private func writeProcess(_ out: inout MetricsText) {
        let process = ProcessFigures()
        out.gauge("process_resident_memory_bytes", "Resident memory.", process.residentBytes)
        out.gauge("process_virtual_memory_bytes", "Virtual memory.", process.virtualBytes)
        out.family("process_cpu_seconds_total", .counter, "Processor time, user and system.")
        out.sample(process.cpuSeconds)
        out.gauge("process_open_fds", "Open files.", process.openFiles)
        out.gauge("process_max_fds", "Files that may be open.", process.filesMax)
        let uptime = Double(clock.monotonic() - startedMonotonic) / 1e6
        out.gauge("process_start_time_seconds", "Unix time at which the service became ready.", Double(LogTime.now()) / 1e6 - uptime)
    }
}
