"""Sign-ins, which cookies and tokens hang on, and since when a leader leads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sign_in',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('began_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.Column('ends_at', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_sign_in_user_id', 'sign_in', ['user_id'], unique=False)
    op.create_index('ix_sign_in_ends_at', 'sign_in', ['ends_at'], unique=False)
    op.add_column(
        'leader_lease',
        sa.Column('since', sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb'), nullable=True),
    )


def downgrade() -> None:
    op.drop_column('leader_lease', 'since')
    op.drop_table('sign_in')
