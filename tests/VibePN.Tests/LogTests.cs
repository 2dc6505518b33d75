using System.Reflection;
using Microsoft.Extensions.Logging;
using VibePN.Api;
using Xunit;

namespace VibePN.Tests;

public sealed class LogTests
{
    [Fact]
    public void Ids_OfAllLines_AreTheirOwn()
    {
        LoggerMessageAttribute[] lines =
        [
            .. typeof(Log).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
                .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>(),
        ];
        Assert.NotEmpty(lines);
        Assert.Empty(lines.GroupBy(line => line.EventId).Where(same => same.Count() > 1).Select(same => same.Key));
    }

    [Theory]
    [InlineData("debug", LogLevel.Debug)]
    [InlineData("INFO", LogLevel.Information)]
    [InlineData("warning", LogLevel.Warning)]
    [InlineData("error", LogLevel.Error)]
    [InlineData("", null)]
    [InlineData("trace", null)]
    [InlineData("1", null)]
    public void Level_ByName_IsReadAndNamedAgain(string name, LogLevel? level)
    {
        Assert.Equal(level, LogLevels.Parse(name));
        if (level is { } known)
        {
            Assert.Equal(name, LogLevels.NameOf(known), ignoreCase: true);
        }
    }
}
