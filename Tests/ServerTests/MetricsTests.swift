import Foundation
import Server
import Testing
import WAL

struct MetricsTests {
    @Test("histogram: each value is in the bucket whose bound it does not exceed")
    func buckets() {
        for value in Array(0...5_000) + [1 << 20, (1 << 20) + 1, 3 << 30, 1 << 36] as [UInt64] {
            let bucket = Histogram.bucket(of: value)
            #expect(value <= Histogram.bound(of: bucket))
            #expect(bucket == 0 || value > Histogram.bound(of: bucket - 1))
        }
        #expect(Histogram.bucket(of: .max) == Histogram.bucketCount - 1)
        for bucket in 1..<Histogram.bucketCount { #expect(Histogram.bound(of: bucket) > Histogram.bound(of: bucket - 1)) }
    }

    @Test("histogram: what is printed adds up, whatever buckets are left out")
    func histogramText() {
        let histogram = Histogram()
        histogram.observe(100, weight: 3)
        histogram.observe(3_000)
        histogram.observe(1 << 40)
        var out = MetricsText()
        out.family("x_seconds", .histogram, "X.")
        out.histogram(histogram.snapshot, perUnit: 1e9, range: 1_024...2_048, [("a", "q\"\\\n")])
        let sum = Double(300 + 3_000 + (1 << 40)) / 1e9
        let label = #"a="q\"\\\n""#
        #expect(
            out.text == """
                # HELP x_seconds X.
                # TYPE x_seconds histogram
                x_seconds_bucket{\(label),le="1.024e-06"} 3
                x_seconds_bucket{\(label),le="1.536e-06"} 3
                x_seconds_bucket{\(label),le="2.048e-06"} 3
                x_seconds_bucket{\(label),le="+Inf"} 5
                x_seconds_sum{\(label)} \(sum)
                x_seconds_count{\(label)} 5

                """)
    }

    @Test("verbs: a verb's row is its place among all of them")
    func rows() {
        for (index, verb) in Verb.allCases.enumerated() { #expect(CommandRows.row(verb) == index) }
        #expect(CommandRows.row(nil) == Verb.allCases.count)
    }

    /// The value of a sample, by its line's begin.
    private func value(_ sample: String, _ text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }.flatMap { Double($0.split(separator: " ").last!) }
    }

    @Test("metrics: commands by verb and code, stages, the log and the state add up", arguments: [1, 4])
    func metrics(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        for command in [
            "DEP 7 USD 1000 ref=a", "DEP 7 USD 1000 ref=a", "DEP 7 USD 1000 wallet=margin ref=b", "NEW 7 BTC-USD B LMT 1 10.00 GTC id=1",
            "NEW 7 BTC-USD B LMT 1 10.00 GTC id=2", "NEW 7 BTC-USD B LMT 900 10.00 GTC id=3", "NEW 7 BTC-MARGIN B LMT 1 10.00 GTC id=4",
            "NEW 7 BTC-USD B LMT 1 10.001 GTC id=5", "NEW 7 NONE B LMT 1 1 GTC id=6", "NONSENSE", "CXL 7 BTC-USD id=1", "CXL 7 BTC-USD id=9",
            "FIL 7 BTC-USD id=2 1 9.00 exec=1", "XFR 7 7 USD 1 to=futures ref=c", "CXA 7", "BAL 7", "ORD 7", "INS", "STAT", "PING", "SYNC",
            "ACC 9 open", "ACC 8 resume", "LIM 7 wallet=spot max_qty=5", "SET window_hours 0", "SUB", "SUB", "UNS", "UNS",
        ] { _ = try wire.ask(command) }
        let text = await test.service!.metrics()
        let expected = [
            ("DEP", "OK", 3), ("NEW", "OK", 3), ("NEW", "INSUFFICIENT_FUNDS", 1), ("NEW", "OFF_TICK", 1), ("NEW", "UNKNOWN_INSTRUMENT", 1),
            ("unknown", "UNKNOWN_VERB", 1), ("CXL", "OK", 1), ("CXL", "UNKNOWN_ORDER", 1), ("FIL", "OK", 1), ("XFR", "OK", 1), ("CXA", "OK", 1),
            ("BAL", "OK", 1), ("ORD", "OK", 1), ("INS", "OK", 1), ("STAT", "OK", 1), ("PING", "OK", 1), ("SYNC", "OK", 1), ("ACC", "OK", 1),
            ("ACC", "UNKNOWN_ACCOUNT", 1), ("LIM", "OK", 1), ("SUB", "OK", 1), ("SUB", "ALREADY_SUBSCRIBED", 1), ("UNS", "OK", 1),
            ("UNS", "NOT_SUBSCRIBED", 1), ("RPL", "OK", 0),
        ]
        for (verb, code, count) in expected {
            #expect(value("cashup_commands_total{verb=\"\(verb)\",code=\"\(code)\"}", text) == Double(count), "\(verb) \(code)")
        }
        let all = text.split(separator: "\n").filter { $0.hasPrefix("cashup_commands_total{") }.compactMap { Double($0.split(separator: " ")[1]) }
        #expect(all.reduce(0, +) == 29)
        for stage in ["parse", "decide", "sync", "reply"] {
            #expect(value("cashup_command_stage_seconds_count{stage=\"\(stage)\"}", text) ?? 0 > 0, "\(stage)")
        }
        // Everything taken has been answered, the lines of each loop's turn included.
        #expect(value("cashup_command_stage_seconds_count{stage=\"reply\"}", text) == 29)
        let durable = Double(test.service!.log.durableLSN)
        #expect(value("cashup_log_durable_lsn", text) == durable && value("cashup_log_sealed_lsn", text) == durable)
        // The seed was sealed by the start, not by a loop.
        let records = (0..<loops).compactMap { value("cashup_loop_records_total{loop=\"\($0)\"}", text) }.reduce(0, +)
        #expect(value("cashup_log_frame_records_sum", text) ?? 0 >= records && records > 10)
        #expect(value("cashup_open_orders{wallet=\"spot\"}", text) == 0 && value("cashup_connections", text) == 1)
        #expect(value("cashup_accounts", text) == 2 && value("cashup_storage_state{state=\"ok\"}", text) == 1)
        #expect(value("process_resident_memory_bytes", text) ?? 0 > 1_000_000)
        try checkWithPromtool(text)
        await test.stop()
    }

    /// Prometheus' own judgement.
    private func checkWithPromtool(_ text: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["promtool", "check", "metrics"]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        input.fileHandleForWriting.write(Data(text.utf8))
        try input.fileHandleForWriting.close()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && said.isEmpty, "\(said)")
    }

    @Test("alerts and dashboard: every metric they name is there", arguments: ["prometheus/alerts.yaml", "grafana/cashup.json"])
    func operatorsFiles(file: String) async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        try await test.start()
        let exposed = Set(
            await test.service!.metrics().split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) })
        await test.stop()
        let path = #filePath.replacing("Tests/ServerTests/MetricsTests.swift", with: "config/deploy/\(file)")
        let content = try #require(text(path))
        let named = Set(content.matches(of: /\b(cashup|process)_[a-z_]+/).map { String($0.output.0) })
        #expect(named.count > 10)
        for name in named {
            let base = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) }
            #expect(exposed.contains(name) || base.map(exposed.contains) == true, "\(name) in \(file)")
        }
    }

    @Test("metrics and readiness: others add theirs")
    func registered() async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        try await test.start()
        let service = test.service!
        #expect(await service.readiness().isReady)
        service.registerMetrics { $0.gauge("cashup_history_lsn", "Where history is.", 17) }
        service.registerCheck("history_lag") { "history is 5 s behind" }
        service.registerCheck("fine") { nil }
        let text = await service.metrics()
        #expect(text.hasSuffix("# HELP cashup_history_lsn Where history is.\n# TYPE cashup_history_lsn gauge\ncashup_history_lsn 17\n"))
        let readiness = await service.readiness()
        #expect(!readiness.isReady)
        #expect(readiness.reasons == [Readiness.Reason(code: "history_lag", text: "history is 5 s behind")])
        await test.stop()
        #expect(await service.readiness().reasons.first?.code == "draining")
    }
}
