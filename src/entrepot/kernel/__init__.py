"""What every room shares and nobody owns: money, ids, the two clocks, outcomes, error roots. Imports nothing else of ours."""
