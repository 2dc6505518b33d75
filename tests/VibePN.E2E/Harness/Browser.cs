using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace VibePN.E2E.Harness;

/// <summary>Debian's Chromium without a window, on a test's host, with one page; driven by the DevTools protocol.</summary>
internal sealed class Browser : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly RunningProgram _program;
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[1 << 20];
    private readonly string _session;
    private int _id;

    public Browser(TestHost host, string folder)
    {
        string profile = Directory.CreateDirectory(Path.Combine(folder, "chromium")).FullName;
        _program = host.Start(
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-extensions", "--remote-debugging-port=0", "--user-data-dir=" + profile, "about:blank");
        try
        {
            string where = Path.Combine(profile, "DevToolsActivePort");
            string[] lines = [];
            Wait.Until(s_patience, "chromium listens (scripts/setup test installs it): " + _program.Errors, () =>
                File.Exists(where) && (lines = File.ReadAllLines(where)).Length == 2);
            using SocketsHttpHandler handler = new()
            {
                ConnectCallback = (context, _) =>
                {
                    Socket socket = host.TcpSocket(AddressFamily.InterNetwork);
                    socket.Connect(IPAddress.Loopback, context.DnsEndPoint.Port);
                    return ValueTask.FromResult<System.IO.Stream>(new NetworkStream(socket, ownsSocket: true));
                },
            };
            using HttpMessageInvoker invoker = new(handler, disposeHandler: false);
            using CancellationTokenSource limit = new(s_patience);
            _socket.ConnectAsync(new Uri($"ws://127.0.0.1:{lines[0]}{lines[1]}"), invoker, limit.Token).GetAwaiter().GetResult();
            _session = "";
            string target = Ask("Target.createTarget", new() { ["url"] = "about:blank" })["targetId"]!.GetValue<string>();
            _session = Ask("Target.attachToTarget", new() { ["targetId"] = target, ["flatten"] = true })["sessionId"]!.GetValue<string>();
            _ = Ask("Runtime.enable");
            _ = Ask("Log.enable");
            _ = Ask("Page.enable");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Errors and warnings of console, scripts, network and policy, as the protocol tells them.</summary>
    public List<string> Complaints { get; } = [];

    public void Dispose()
    {
        _socket.Dispose();
        _program.Dispose();
    }

    /// <param name="scheme">dark or light.</param>
    public void Look(int width, int height, string scheme)
    {
        _ = Ask("Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });
        _ = Ask("Emulation.setEmulatedMedia", new() { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }) });
    }

    public void Open(string url) => _ = Ask("Page.navigate", new() { ["url"] = url });

    /// <summary>The value of an expression, as text: numbers, truth values and strings.</summary>
    public string Value(string expression)
    {
        JsonNode answer = Ask("Runtime.evaluate", new() { ["expression"] = expression, ["returnByValue"] = true });
        return answer["exceptionDetails"] is { } failure
            ? "failed: " + failure.ToJsonString()
            : Convert.ToString(answer["result"]!["value"]?.ToString(), CultureInfo.InvariantCulture) ?? "";
    }

    public double Number(string expression) => double.Parse(Value(expression), CultureInfo.InvariantCulture);

    public void Await(string expression) => Wait.Until(s_patience, expression, () => Value(expression) == "true");

    public void Press(string key)
    {
        _ = Ask("Input.dispatchKeyEvent", new() { ["type"] = "keyDown", ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = KeyCode(key), ["text"] = key == "Enter" ? "\r" : "" });
        _ = Ask("Input.dispatchKeyEvent", new() { ["type"] = "keyUp", ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = KeyCode(key) });
    }

    /// <summary>A picture of what is in the window, PNG.</summary>
    public byte[] Picture() => Convert.FromBase64String(Ask("Page.captureScreenshot", new() { ["format"] = "png" })["data"]!.GetValue<string>());

    private static int KeyCode(string key) => key switch { "Tab" => 9, "Enter" => 13, "ArrowRight" => 39, _ => 0 };

    private JsonNode Ask(string method, JsonObject? parameters = null)
    {
        using CancellationTokenSource limit = new(s_patience);
        JsonObject request = new() { ["id"] = ++_id, ["method"] = method, ["params"] = parameters ?? [] };
        if (_session is { Length: > 0 } session)
        {
            request["sessionId"] = session;
        }

        _socket.SendAsync(Encoding.UTF8.GetBytes(request.ToJsonString()), WebSocketMessageType.Text, true, limit.Token).GetAwaiter().GetResult();
        while (true)
        {
            JsonNode message = Receive(limit.Token);
            if (message["id"]?.GetValue<int>() == _id)
            {
                return message["result"] ?? throw new InvalidOperationException($"{method}: {message["error"]?.ToJsonString()}");
            }

            Note(message);
        }
    }

    private void Note(JsonNode message)
    {
        bool isBad = message["method"]?.GetValue<string>() switch
        {
            "Runtime.exceptionThrown" => true,
            "Runtime.consoleAPICalled" => message["params"]!["type"]!.GetValue<string>() is "error" or "warning" or "assert",
            "Log.entryAdded" => message["params"]!["entry"]!["level"]!.GetValue<string>() is "error" or "warning",
            "Page.javascriptDialogOpening" => true,
            _ => false,
        };
        if (isBad)
        {
            Complaints.Add(message.ToJsonString());
        }
    }

    private JsonNode Receive(CancellationToken limit)
    {
        using MemoryStream whole = new();
        while (true)
        {
            WebSocketReceiveResult part = _socket.ReceiveAsync(_buffer, limit).GetAwaiter().GetResult();
            whole.Write(_buffer, 0, part.Count);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                throw new InvalidOperationException("chromium has closed the connection: " + _program.Errors);
            }

            if (part.EndOfMessage)
            {
                return JsonNode.Parse(whole.ToArray())!;
            }
        }
    }
}
