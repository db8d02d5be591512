# pcscd.pl SOCKET READERS: becomes a PC/SC daemon that listens on SOCKET, without root and without /run/pcscd. pcscd takes
# a listening socket as descriptor 3 (systemd's socket activation), which is all the private daemon there is.
use strict;
use warnings;
use Fcntl qw(F_SETFD);
use POSIX ();
use Socket;

my ($path, $readers, $pcscd) = @ARGV;
socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
bind($socket, pack_sockaddr_un($path)) or die "bind: $!";
listen($socket, 16) or die "listen: $!";
if (fileno($socket) == 3) { fcntl($socket, F_SETFD, 0) or die "fcntl: $!" }
else { POSIX::dup2(fileno($socket), 3) // die "dup2: $!" }
$ENV{LISTEN_FDS} = 1;
$ENV{LISTEN_PID} = $$;
exec $pcscd, '-f', '-c', $readers or die "exec: $!";
