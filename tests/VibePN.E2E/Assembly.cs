using VibePN.E2E.Harness;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

// One test at a time: they measure time, and share two cores with the daemons.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(Leftovers))]
