# Hashes, strings, matches, sorts, structures and children.
use strict; use warnings;
my (%h, @a); my $seed = 1;
sub rnd { $seed = ($seed * 1103515245 + 12345) % 2147483648; return $seed % $_[0]; }
for my $i (1 .. 200000) {
    my $k = "key" . rnd(30000);
    push @{$h{$k}}, $i;
    delete $h{"key" . rnd(30000)} if $i % 4 == 0;
}
print join(",", map { "$_=" . scalar @{$h{$_}} } sort keys %h), "\n";
my $s = ""; $s .= chr(97 + rnd(26)) x rnd(50) for 1 .. 20000;
my %c; $c{$1}++ while $s =~ /([a-z])\1{3,}/g;
print map { "$_ $c{$_}\n" } sort keys %c;
$s =~ s/([aeiou]+)/uc($1) . length($1)/ge; print length $s, "\n";
@a = sort { $b->[1] <=> $a->[1] || $a->[0] cmp $b->[0] } map { [$_, rnd(1000)] } keys %h;
print "$_->[0] $_->[1]\n" for @a[0 .. 500];
my @tree = map { { id => $_, kids => [map { { v => "x" x $_ } } 1 .. 20] } } 1 .. 3000;
my $n = 0; for my $t (@tree) { $n += length $_->{v} for @{$t->{kids}} } print "$n\n";
$| = 1;
for (1 .. 20) {
    my $pid = fork;
    if (!$pid) {
        my @x = map { "y" x $_ } 1 .. 500;
        exit(@x == 500 ? 0 : 1);
    }
    waitpid $pid, 0;
    print $?;
}
print "\n", sprintf("%s" x 100, map { pack("N", $_) =~ tr/\0//r } 1 .. 100), "\n";
print `echo from a shell | tr a-z A-Z`;
my @w = split / /, join " ", 1 .. 50000;
print scalar(@w), " ", scalar(reverse("@w[0..20]")), "\n";
