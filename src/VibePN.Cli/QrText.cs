using System.Text;
using QRCoder;

namespace VibePN.Cli;

/// <summary>QR codes for terminals: two rows of modules a line, in half blocks, light on whatever is the background.</summary>
internal static class QrText
{
    public static string Draw(string text)
    {
        using QRCodeData code = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.L);
        // The quiet zone is part of the matrix.
        int size = code.ModuleMatrix.Count;
        StringBuilder drawn = new();
        for (int row = 0; row < size; row += 2)
        {
            for (int column = 0; column < size; column++)
            {
                bool isUpperDark = code.ModuleMatrix[row][column];
                bool isLowerDark = row + 1 < size && code.ModuleMatrix[row + 1][column];
                _ = drawn.Append((isUpperDark, isLowerDark) switch
                {
                    (true, true) => ' ',
                    (true, false) => '▄',
                    (false, true) => '▀',
                    _ => '█',
                });
            }

            _ = drawn.Append('\n');
        }

        return drawn.ToString();
    }
}
